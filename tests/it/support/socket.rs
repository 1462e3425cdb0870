//! HTTP by hand, for servers of tests: one request a connection.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// Sends a request on to another server, such as `127.0.0.1:4566`; its whole answer, with the connection's end announced.
pub fn forward(upstream: &str, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(closing(head).as_bytes())?;
    server.write_all(body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Ok([closing(&head).as_bytes(), &answer[end..]].concat())
}

/// The head of a request and its body; `None` when the connection was opened and not used.
pub fn read_request(stream: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    loop {
        let length = stream.read(&mut part)?;
        bytes.extend_from_slice(&part[..length]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end + 4]).into_owned();
            let mut body = bytes.split_off(end + 4);
            let already = body.len();
            body.resize(header(&head, "content-length").map_or(0, |n| n.parse().unwrap_or_default()).max(already), 0);
            stream.read_exact(&mut body[already..])?;
            return Ok(Some((head, body)));
        }
        if length == 0 {
            return Ok(None);
        }
    }
}

/// A field of a head.
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A head with its `Connection` replaced by `close`.
fn closing(head: &str) -> String {
    let is_other = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
    let mut lines: Vec<&str> = head.trim_end().lines().filter(is_other).collect();
    lines.push("Connection: close");
    format!("{}\r\n\r\n", lines.join("\r\n"))
}
