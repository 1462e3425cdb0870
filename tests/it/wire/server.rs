//! A server that answers with canned bytes and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use stagegate::aws::live::Live;
use stagegate::aws::{Aws, AwsError, AwsExt, Call, Reply, Request};

use super::cbor;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
    /// The same as text.
    pub body: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    pub fn cbor(&self) -> Value {
        cbor::decode(&self.bytes)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Answers each connection with the next bytes, and all that follow with the last; with none, it hangs up after
/// reading the request.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub fn answering(status: &str, headers: &[&str], body: &str) -> Self {
        Self::one_by_one(vec![answer(status, headers, body.as_bytes())])
    }

    /// Answers of CloudWatch, as it speaks.
    pub fn speaking_cbor(answers: &[(&str, &[&str], Value)]) -> Self {
        let protocol = ["smithy-protocol: rpc-v2-cbor", "Content-Type: application/cbor"];
        let each = |(status, headers, body): &(&str, &[&str], Value)| {
            answer(status, &[&protocol[..], headers].concat(), &cbor::encode(body))
        };
        Self::one_by_one(answers.iter().map(each).collect())
    }

    pub fn raw(answer: String) -> Self {
        Self::one_by_one(vec![answer.into_bytes()])
    }

    fn one_by_one(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                log.lock().unwrap().push(request);
                // A client that has read enough hangs up.
                let _ = stream.write_all(&answers[number.min(answers.len() - 1)]);
            }
        });
        Self { url, seen }
    }

    pub fn send<R: Request>(&self, request: R) -> Result<R::Reply, AwsError> {
        send(&self.url, request)
    }

    /// Everything that arrived.
    pub fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The request, if there was exactly one.
    /// The target of the only request, its query in order.
    pub fn target(&self) -> String {
        let line = self.only().line;
        let target = line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut query: Vec<&str> = query.split('&').collect();
        query.sort_unstable();
        format!("{path}?{}", query.join("&"))
    }

    pub fn only(&self) -> Seen {
        let seen = self.all();
        assert_eq!(seen.len(), 1, "sent more or less than once: {seen:#?}");
        seen[0].clone()
    }
}

/// Sends one request to an address that replaces AWS.
pub fn send<R: Request>(url: &str, request: R) -> Result<R::Reply, AwsError> {
    on(url, async |live| live.send(request).await)
}

/// The same for a request as a value.
pub fn send_call(url: &str, call: &Call) -> Result<Reply, AwsError> {
    on(url, async |live| live.call(call).await)
}

fn on<T>(url: &str, ask: impl AsyncFnOnce(&Live) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let live = Live::with_static("AKIAIOSFODNN7EXAMPLE", "secret", "eu-west-1", url);
    runtime.block_on(ask(&live))
}

fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}", body.len());
    let head = [&[status, &length, "Connection: close"], headers].concat().join("\r\n");
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

fn read_request(stream: &mut TcpStream) -> Seen {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map(|line| line.unwrap()).take_while(|line| !line.is_empty());
    let line = lines.next().unwrap();
    let headers: Vec<_> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let mut seen = Seen { line, headers, bytes: Vec::new(), body: String::new() };
    let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
    seen.bytes = vec![0; length];
    reader.read_exact(&mut seen.bytes).unwrap();
    seen.body = String::from_utf8_lossy(&seen.bytes).into_owned();
    seen
}
