//! Requests through a stage, as a client of the API sends them.

use std::net::TcpListener;

use stagegate::aws::operation::InvokeStage;
use stagegate::aws::{AwsError, Remedy};

use super::server::{Server, send};

fn request(method: &str, path: &str) -> InvokeStage {
    InvokeStage {
        api: "a1b2".parse().unwrap(),
        stage: "prod".parse().unwrap(),
        method: method.into(),
        path: path.into(),
        timeout_s: 5,
    }
}

#[test]
fn a_request_goes_through_the_stage_as_a_client_sends_it() {
    let server = Server::answering("200 OK", &[], "{\"pets\":[]}");
    let answer = server.send(request("GET", "/pets?limit=2")).unwrap();
    let seen = server.only();
    assert_eq!(seen.line, "GET /_aws/execute-api/a1b2/prod/pets?limit=2 HTTP/1.1");
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("host"), server.url.strip_prefix("http://"));
    assert!(seen.header("user-agent").unwrap().starts_with("stagegate/"));
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"pets\":[]}"));
}

#[test]
fn every_status_is_an_answer_and_none_is_acted_upon() {
    for status in ["403 Forbidden", "429 Too Many Requests", "502 Bad Gateway", "504 Gateway Timeout"] {
        let server = Server::answering(status, &["Retry-After: 1"], "{\"message\":\"no\"}");
        let answer = server.send(request("POST", "/pets")).unwrap();
        assert!(status.starts_with(&answer.status.to_string()) && answer.body.contains("no"));
        assert!(server.only().line.starts_with("POST "));
    }
    let elsewhere = Server::answering("200 OK", &[], "");
    let location = format!("Location: {}/", elsewhere.url);
    let answer = Server::answering("302 Found", &[&location], "").send(request("GET", "/old")).unwrap();
    assert_eq!((answer.status, elsewhere.all().len()), (302, 0));
}

#[test]
fn a_long_body_is_read_in_part() {
    let server = Server::answering("200 OK", &[], &"ä".repeat(1 << 20));
    let answer = server.send(request("GET", "/everything")).unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 1 << 20));
}

/// An error that leaves open what happened, and its words.
fn open(result: Result<stagegate::aws::noun::StageAnswer, AwsError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Unknown, "{error}");
    error.to_string()
}

#[test]
fn no_answer_names_the_host_and_the_reason_and_keeps_the_path_to_itself() {
    // Connections are taken by the operating system and never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let patient = InvokeStage { timeout_s: 1, ..request("GET", "/pets?token=secret") };
    let text = open(send(&address, patient));
    assert!(text.contains(&format!("{address}: no answer after 1 s")) && !text.contains("secret"), "{text}");

    drop(silent);
    let text = open(send(&address, request("GET", "/pets")));
    assert!(text.contains(&address) && text.contains("refused"), "{text}");
    let text = open(send("http://no-such-host.invalid", request("GET", "/pets")));
    assert!(text.contains("http://no-such-host.invalid"), "{text}");

    // The TLS handshake fails before there is a request.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", deaf.local_addr().unwrap());
    std::thread::spawn(move || deaf.incoming().for_each(drop));
    let text = open(send(&address, request("GET", "/pets")));
    assert!(text.contains(&address), "{text}");

    let hung_up = Server::raw(String::new());
    open(hung_up.send(request("POST", "/pets")));
    hung_up.only();
    let cut_off = Server::raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf".into());
    let text = open(cut_off.send(request("GET", "/pets")));
    assert!(text.contains("HTTP 200, then "), "{text}");
    cut_off.only();
}

#[test]
fn what_cannot_be_a_request_is_refused_and_never_sent() {
    let server = Server::answering("200 OK", &[], "");
    for (method, path) in [
        ("GET\r\nX-Evil: 1", "/pets"),
        ("get", "/pets"),
        ("CONNECT", "/pets"),
        ("", "/pets"),
        ("GET", "/pets HTTP/1.1\r\nHost: evil\r\n\r\n"),
        ("GET", "/kätzchen"),
        ("GET", "/pets#part"),
        ("GET", "@evil.example/pets"),
        ("GET", ""),
    ] {
        let error = server.send(request(method, path)).unwrap_err();
        assert_eq!((error.code(), error.remedy()), (Some("InvalidRequest"), Remedy::Final), "{error}");
        assert!(!error.to_string().contains('\n'), "{error:?}");
    }
    assert!(server.all().is_empty());
}
