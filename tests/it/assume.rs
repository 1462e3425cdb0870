//! The built program with --assume-role, against a server that is GitHub's token endpoint, STS and Lambda in one.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

const HUB: &str = "arn:aws:iam::111122223333:role/hub";
const PROMOTE: &str = "arn:aws:iam::444455556666:role/promote";
/// Nothing of these may ever be shown.
const SECRETS: [&str; 4] = ["request-token-5ecre7", "oidc.t0ken.5ecre7", "secretkey-5ecre7", "sessiontoken-5ecre7"];

/// What was asked, in order: `GET /path`, or the action of STS with the access key id it was signed with.
type Asked = Arc<Mutex<Vec<String>>>;

struct Server {
    url: String,
    asked: Asked,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (said, (status, text)) = answer(&mut stream);
                log.lock().unwrap().push(said);
                let length = text.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
                );
            }
        });
        Self { url, asked }
    }

    /// What the program did in a job that may ask for a token, or elsewhere with the keys of a user.
    fn run(&self, line: &str, env: &[(&str, &str)]) -> Output {
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_stagegate"))
            .args(line.split_whitespace())
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .envs([("COLUMNS", "88"), ("LANG", "C.UTF-8"), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs([("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", &self.url), ("NO_PROXY", "127.0.0.1")])
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let shown = format!("{}{}", said(&output), files(home.path()));
        SECRETS.iter().for_each(|secret| assert!(!shown.contains(secret), "{secret}: {shown}"));
        output
    }

    fn in_job(&self, line: &str, env: &[(&str, &str)]) -> Output {
        let url = format!("{}/token?v=1", self.url);
        let job = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_RUN_ID", "9912"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRETS[0]),
        ];
        self.run(line, &[&job, env].concat())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAUSER"), ("AWS_SECRET_ACCESS_KEY", "s")];

/// All that was written below a folder.
fn files(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { std::fs::read_to_string(&path).unwrap() }).collect()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn answer(stream: &mut TcpStream) -> (String, (u16, String)) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let signed = head.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or("nobody");
    let field = |name: &str| body.split('&').find_map(|part| part.strip_prefix(name)).unwrap_or_default().to_owned();
    match field("Action=").as_str() {
        "" if head.contains("/token?v=1") => {
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            (format!("GET {target}"), (200, format!("{{\"value\":\"{}\"}}", SECRETS[1])))
        }
        "" => {
            let gone = "{\"Type\":\"User\",\"Message\":\"Function not found\"}";
            (head.lines().next().unwrap_or_default().to_owned(), (404, gone.into()))
        }
        "GetCallerIdentity" => (format!("GetCallerIdentity by {signed}"), (200, identity(signed))),
        action => {
            let account = field("RoleArn=").split("%3A").nth(4).unwrap_or_default().to_owned();
            (format!("{action} by {signed} as {}", field("RoleSessionName=")), (200, credentials(action, &account)))
        }
    }
}

fn identity(signed: &str) -> String {
    let account = signed.trim_start_matches("ASIA");
    format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::{account}:assumed-role/x/gha-9912</Arn>\
         <UserId>u</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
}

/// The access key id says whose it is.
fn credentials(action: &str, account: &str) -> String {
    format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>ASIA{account}</AccessKeyId>\
         <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>",
        SECRETS[2], SECRETS[3]
    )
}

const CHAIN: (&str, &str) =
    ("STAGEGATE_ASSUME_ROLE", "arn:aws:iam::111122223333:role/hub,\narn:aws:iam::444455556666:role/promote\n");

#[test]
fn a_job_works_as_the_last_role_and_shows_no_secret_anywhere() {
    for line in
        ["status pets:live -v --account 444455556666", "plan pets:live --json", "promote pets:live --yes --json"]
    {
        let server = Server::start();
        // Keys that a step before left are not what the role is assumed with.
        let output = server.in_job(line, &[&KEYS[..], &[CHAIN, ("AWS_SESSION_TOKEN", "t")]].concat());
        let asked = server.asked();
        assert_eq!(
            asked[..4],
            [
                "GET /token?v=1&audience=sts.amazonaws.com",
                "AssumeRoleWithWebIdentity by nobody as gha-9912",
                "AssumeRole by ASIA111122223333 as gha-9912",
                "GetCallerIdentity by ASIA444455556666",
            ],
            "{line}: {}",
            said(&output)
        );
        assert_eq!(asked.iter().filter(|one| one.contains("Assume")).count(), 2, "once for all calls: {asked:?}");
    }
    let told = said(&Server::start().in_job("status pets:live -v", &[CHAIN]));
    assert!(told.contains(&format!("role      {HUB} → {PROMOTE} (from STAGEGATE_ASSUME_ROLE)")), "{told}");
}

#[test]
fn a_chain_that_ends_in_the_wrong_account_is_refused_before_any_other_call() {
    let server = Server::start();
    let output = server.in_job("rollback pets:live --yes --account 777788889999", &[CHAIN]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("SG-C03") && told.contains(&format!("role {PROMOTE} was assumed")), "{told}");
    let asked = server.asked();
    assert_eq!((asked.len(), asked[3].as_str()), (4, "GetCallerIdentity by ASIA444455556666"));
}

#[test]
fn verify_says_which_identity_and_how_it_is_renewed() {
    let told = said(&Server::start().in_job("verify pets:live", &[CHAIN]));
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = format!("{HUB} → {PROMOTE}, by the OIDC token of this job; they end 2099-01-01T00:00:00Z and renew");
    assert!(told.contains(&expected), "{told}");
    assert!(told.contains("444455556666 as arn:aws:sts::444455556666:assumed-role/x/gha-9912"), "{told}");
}

#[test]
fn a_job_that_may_not_ask_for_a_token_is_told_which_permission_it_lacks() {
    let server = Server::start();
    let output = server.run("status pets:live", &[("GITHUB_ACTIONS", "true"), CHAIN]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("permissions: id-token: write") && told.contains(HUB), "{told}");
    assert_eq!(server.asked(), Vec::<String>::new());
    let output = server.run("status pets:live", &[&KEYS[..], &[("GITHUB_ACTIONS", "true"), CHAIN]].concat());
    assert_eq!(
        server.asked()[0],
        "AssumeRole by AKIAUSER as stagegate-unknown",
        "other credentials do: {}",
        said(&output)
    );
}

#[test]
fn at_home_the_roles_are_given_on_the_command_line_and_in_every_command_that_is_offered() {
    let server = Server::start();
    let line = format!("rollback pets:live --yes --assume-role {HUB} --assume-role {PROMOTE}");
    server.run(&line, &[&KEYS[..], &[("USER", "dana"), CHAIN]].concat());
    assert_eq!(server.asked()[0], "AssumeRole by AKIAUSER as stagegate-dana");
    assert_eq!(server.asked()[1], "AssumeRole by ASIA111122223333 as stagegate-dana");
    let both = format!("--assume-role {HUB} status pets:live --assume-role {PROMOTE}");
    let before = server.asked();
    let output = server.run(&both, &KEYS);
    assert!(output.status.code() == Some(2) && said(&output).contains("before the command and behind"), "{output:?}");
    assert_eq!(server.asked(), before, "no role is left out silently");
    let unasked = format!("promote pets:live --assume-role {HUB} --assume-role {PROMOTE}");
    let told = said(&server.run(&unasked, &KEYS));
    let repeated = format!("--assume-role {HUB} --assume-role {PROMOTE}");
    let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&repeated), "{told}");
    let told = said(&server.in_job(&unasked, &[]));
    assert!(
        told.contains("stagegate promote") && !told.contains("--assume-role"),
        "a job's token is not to be had elsewhere: {told}"
    );
}

#[test]
fn the_token_is_asked_for_over_the_proxy() {
    let server = Server::start();
    let elsewhere = ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://token.invalid/token?v=1");
    let output = server.in_job("status pets:live", &[CHAIN, elsewhere, ("HTTP_PROXY", &server.url)]);
    let asked = server.asked();
    assert_eq!(asked[0], "GET http://token.invalid/token?v=1&audience=sts.amazonaws.com", "{}", said(&output));
    assert!(asked[1].starts_with("AssumeRoleWithWebIdentity"), "{asked:?}");
}

#[test]
fn what_is_no_role_is_usage_and_an_empty_variable_is_unset() {
    let server = Server::start();
    for (line, value, says) in [
        ("status pets:live --assume-role promote", "", "--assume-role is not a valid role: `promote`"),
        ("status pets:live", "promote", "STAGEGATE_ASSUME_ROLE is not a valid role: `promote`"),
        ("status pets:live", "arn:aws:sts::111122223333:assumed-role/a/b", "it is the ARN of a session"),
    ] {
        let output = server.in_job(line, &[("STAGEGATE_ASSUME_ROLE", value)]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(says), "{}", said(&output));
    }
    assert_eq!(server.asked(), Vec::<String>::new());
    server.in_job("status pets:live", &[&KEYS[..], &[("STAGEGATE_ASSUME_ROLE", "")]].concat());
    assert!(server.asked()[0].starts_with("GET /2015-03-31/functions/pets"), "{:?}", server.asked());
}
