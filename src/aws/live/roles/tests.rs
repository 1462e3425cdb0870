//! Roles, assumed at a server that is GitHub's token endpoint and STS in one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::Region;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;

use super::super::connect::bare;
use super::super::credentials::Source;
use super::super::github_oidc::IdTokenRequest;
use super::*;
use crate::problem::Code;

const HUB: &str = "arn:aws:iam::111122223333:role/hub";
const PROMOTE: &str = "arn:aws:iam::444455556666:role/promote";
const LAST: &str = "arn:aws:iam::777788889999:role/last";
const ASKED_WITH: &str = "request-token-5ecre7";
/// `{"sub":"repo:shop/checkout:environment:prod"}` between two parts that are not read.
const TOKEN: &str = "eyJhbGciOiJ4In0.eyJzdWIiOiJyZXBvOnNob3AvY2hlY2tvdXQ6ZW52aXJvbm1lbnQ6cHJvZCJ9.c2lnbmF0dXJl";
/// 2099-01-01T00:00:00Z
const START: u64 = 4_070_908_800;

type Answer = (u16, String);

/// What was asked, and the answers that are still to be given; then all is well.
#[derive(Default)]
struct Book {
    seen: Vec<(String, String)>,
    token: Vec<Answer>,
    sts: Vec<Answer>,
}

struct Server {
    url: String,
    book: Arc<Mutex<Book>>,
    now: Arc<AtomicU64>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (book, now): (Arc<Mutex<Book>>, _) = (Arc::default(), Arc::new(AtomicU64::new(START)));
        let (written, clock) = (Arc::clone(&book), Arc::clone(&now));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&mut stream.unwrap(), &written, clock.load(Ordering::SeqCst));
            }
        });
        Self { url, book, now }
    }

    /// Answers of the token endpoint, in order, before it gives tokens.
    fn token(self, answers: &[(u16, &str)]) -> Self {
        self.book.lock().unwrap().token = answers.iter().map(|(status, text)| (*status, (*text).into())).collect();
        self
    }

    /// Errors of STS, in order, before it gives credentials; none is a success.
    fn sts(self, codes: &[&str]) -> Self {
        let error = |code: &&str| match *code {
            "" => (200, String::new()),
            code => {
                let status = if code == "AccessDenied" { 403 } else { 400 };
                let text = format!("Not this time, {code} it is ({TOKEN})");
                let xml = format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>"
                );
                (status, xml)
            }
        };
        self.book.lock().unwrap().sts = codes.iter().map(error).collect();
        self
    }

    fn chain(&self, base: Base, roles: &[&str]) -> RoleChain {
        let sdk = bare(ProxyConfig::disabled()).region(Region::new("eu-west-1")).endpoint_url(&self.url).build();
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        RoleChain { base, roles, session_name: "gha-9912".into(), sdk, secrets: Secrets::default() }
    }

    fn job(&self, roles: &[&str]) -> RoleChain {
        let url = format!("{}/token?api-version=2.0", self.url);
        let env = |name: &str| match name {
            "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(url.clone()),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some(ASKED_WITH.into()),
            _ => None,
        };
        let asked = IdTokenRequest::from_env(&env).unwrap();
        let endpoint = TokenEndpoint::new(asked, ProxyConfig::disabled()).pausing(Duration::ZERO);
        self.chain(Base::GitHub(Box::new(endpoint)), roles)
    }

    fn found(&self, keys: Option<Credentials>, roles: &[&str]) -> RoleChain {
        let found = Keys::new(Source::from(keys.map(SharedCredentialsProvider::new)));
        self.chain(Base::Found(found), roles)
    }

    /// Credentials of a chain, by this server's time.
    fn keys(&self, chain: RoleChain) -> Keys {
        let now = Arc::clone(&self.now);
        Keys::new(Source::Roles(Box::new(chain)))
            .at(move || UNIX_EPOCH + Duration::from_secs(now.load(Ordering::SeqCst)))
    }

    fn pass(&self, minutes: u64) {
        self.now.fetch_add(minutes * 60, Ordering::SeqCst);
    }

    fn seen(&self) -> Vec<(String, String)> {
        self.book.lock().unwrap().seen.clone()
    }

    /// How often a token was asked for, and STS.
    fn asked(&self) -> (usize, usize) {
        let seen = self.seen();
        let tokens = seen.iter().filter(|(head, _)| head.starts_with("GET /token")).count();
        (tokens, seen.len() - tokens)
    }
}

fn answer(stream: &mut TcpStream, book: &Mutex<Book>, now: u64) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let mut book = book.lock().unwrap();
    book.seen.push((head.clone(), body.clone()));
    let next = |answers: &mut Vec<Answer>| (!answers.is_empty()).then(|| answers.remove(0));
    let (status, text) = if head.starts_with("GET /token") {
        next(&mut book.token).unwrap_or_else(|| (200, format!("{{\"count\":1,\"value\":\"{TOKEN}\"}}")))
    } else {
        let number = book.seen.len();
        let given = next(&mut book.sts).filter(|(status, _)| *status != 200);
        given.unwrap_or_else(|| (200, credentials(&body, number, now)))
    };
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len()).unwrap();
}

fn credentials(body: &str, number: usize, now: u64) -> String {
    let action =
        if body.contains("Action=AssumeRoleWithWebIdentity") { "AssumeRoleWithWebIdentity" } else { "AssumeRole" };
    let end = Timestamp::from_second(i64::try_from(now).unwrap() + 3_600).unwrap();
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
         <AccessKeyId>ASIA{number:04}</AccessKeyId><SecretAccessKey>secret-{number}</SecretAccessKey>\
         <SessionToken>session-{number}</SessionToken><Expiration>{end}</Expiration></Credentials>\
         </{action}Result></{action}Response>"
    )
}

fn user() -> Credentials {
    Credentials::new("AKIAUSER", "user-secret", None, None, "test")
}

fn not_assumed(missing: Missing) -> NotAssumed {
    match missing {
        Missing::Failed(AwsError::Role(refused)) => *refused,
        other => panic!("{other:?}"),
    }
}

async fn refusal(server: &Server, chain: RoleChain) -> NotAssumed {
    let refused = not_assumed(server.keys(chain).current().await.unwrap_err());
    let shown = format!("{refused} {refused:?} {:?}", refused.problem());
    for secret in [TOKEN, ASKED_WITH, "secret-", "session-", "user-secret"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    refused
}

#[tokio::test]
async fn a_job_assumes_its_role_with_a_token_of_its_own_and_without_a_signature() {
    let server = Server::start();
    let kept = server.keys(server.job(&[HUB])).current().await.unwrap();
    assert_eq!(kept.keys.access_key_id(), "ASIA0002");
    assert_eq!(kept.end.unwrap().to_string(), "2099-01-01T01:00:00Z");
    assert!(kept.renewable);
    let seen = server.seen();
    let (asked, taken) = (&seen[0].0, &seen[1]);
    assert!(asked.starts_with("GET /token?api-version=2.0&audience=sts.amazonaws.com HTTP/1.1"), "{asked}");
    assert!(asked.contains(&format!("authorization: bearer {ASKED_WITH}\r\n")), "{asked}");
    assert!(!taken.0.to_lowercase().contains("authorization"), "{}", taken.0);
    for part in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fhub",
        "RoleSessionName=gha-9912",
        &format!("WebIdentityToken={TOKEN}"),
    ] {
        assert!(taken.1.contains(part), "{part}: {}", taken.1);
    }
    assert!(!taken.1.contains("DurationSeconds"), "1 h is what every role allows: {}", taken.1);
}

#[tokio::test]
async fn the_audience_is_that_of_the_partition() {
    let server = Server::start();
    server.keys(server.job(&["arn:aws-cn:iam::111122223333:role/hub"])).current().await.unwrap();
    assert!(server.seen()[0].0.contains("&audience=sts.amazonaws.com.cn HTTP"), "{:?}", server.seen()[0]);
}

#[tokio::test]
async fn a_token_that_github_denies_is_not_asked_for_again_and_trouble_that_passes_is() {
    for status in [401, 403] {
        let server = Server::start().token(&[(status, ASKED_WITH)]);
        let refused = refusal(&server, server.job(&[HUB])).await;
        assert_eq!((refused.obstacle, server.asked()), (Obstacle::TokenDenied, (1, 0)));
        assert!(refused.problem().fix[0].contains("permissions: id-token: write"), "{refused:?}");
    }
    let server = Server::start().token(&[(500, ""), (503, TOKEN)]);
    assert!(server.keys(server.job(&[HUB])).current().await.is_ok());
    assert_eq!(server.asked(), (3, 1));
    let server = Server::start().token(&[(500, ""), (502, ""), (503, TOKEN)]);
    let refused = refusal(&server, server.job(&[HUB])).await;
    assert_eq!((refused.obstacle, server.asked()), (Obstacle::TokenUnavailable, (3, 0)));
    assert!(refused.cause.contains("HTTP 503 (3 attempts)"), "{refused}");
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_never_quoted() {
    for body in
        ["", "[", "{\"value\":7}", "{\"value\":\"\"}", &format!("{{\"values\":\"{TOKEN}\"}}"), &format!("\"{TOKEN}\"")]
    {
        let server = Server::start().token(&[(200, body)]);
        let refused = refusal(&server, server.job(&[HUB])).await;
        assert_eq!((refused.obstacle, server.asked()), (Obstacle::TokenUnavailable, (1, 0)), "{body}");
    }
}

#[tokio::test]
async fn nobody_there_is_said_without_what_was_sent() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://user:{ASKED_WITH}@{}/token", listener.local_addr().unwrap());
    drop(listener);
    let env = |name: &str| Some(if name.ends_with("URL") { gone.clone() } else { ASKED_WITH.into() });
    let endpoint = TokenEndpoint::new(IdTokenRequest::from_env(&env).unwrap(), ProxyConfig::disabled());
    let chain = server.chain(Base::GitHub(Box::new(endpoint.pausing(Duration::ZERO))), &[HUB]);
    let refused = refusal(&server, chain).await;
    assert_eq!(refused.obstacle, Obstacle::TokenUnavailable);
    assert!(refused.cause.starts_with("127.0.0.1:"), "{refused}");
}

#[tokio::test]
async fn what_sts_refuses_is_said_with_what_mends_it() {
    for (code, obstacle, says) in [
        ("AccessDenied", Obstacle::NotTrusted, "--github-oidc shop/checkout"),
        ("InvalidIdentityToken", Obstacle::ProviderUnknown, "aws iam create-open-id-connect-provider"),
        ("ExpiredTokenException", Obstacle::Expired, "run the job again"),
        ("RegionDisabledException", Obstacle::Refused, "who am I"),
    ] {
        let server = Server::start().sts(&[code]);
        let refused = refusal(&server, server.job(&[HUB])).await;
        assert_eq!(refused.obstacle, obstacle, "{code}");
        let problem = refused.problem();
        assert_eq!((problem.code, problem.exit), (Code::NoCredentials, crate::problem::Exit::Access));
        assert!(problem.what.contains(HUB) && problem.why[0].contains(code), "{problem:?}");
        assert!(problem.why[1].ends_with("repo:shop/checkout:environment:prod"), "what the trust policy must allow");
        assert!(problem.fix.iter().any(|fix| fix.contains(says)), "{problem:?}");
    }
}

#[tokio::test]
async fn every_further_role_is_assumed_with_the_keys_of_the_one_before() {
    let server = Server::start();
    let kept = server.keys(server.job(&[HUB, PROMOTE, LAST])).current().await.unwrap();
    assert_eq!(kept.keys.access_key_id(), "ASIA0004");
    let seen = server.seen();
    for (at, before, role) in [(2, "ASIA0002", "444455556666"), (3, "ASIA0003", "777788889999")] {
        let (head, body) = &seen[at];
        assert!(head.contains(&format!("Credential={before}/")), "{head}");
        assert!(body.contains("Action=AssumeRole&") && body.contains(role), "{body}");
        assert!(body.contains("RoleSessionName=gha-9912"), "{body}");
    }
    let two = Server::start();
    let kept = two.keys(two.found(Some(user()), &[HUB, PROMOTE])).current().await.unwrap();
    assert_eq!((kept.keys.access_key_id(), kept.renewable, two.asked()), ("ASIA0002", true, (0, 2)));
    assert!(two.seen()[0].0.contains("Credential=AKIAUSER/"), "{}", two.seen()[0].0);
}

#[tokio::test]
async fn a_role_in_the_middle_that_says_no_is_named_with_the_one_before_it() {
    let server = Server::start().sts(&["", "AccessDenied"]);
    let refused = refusal(&server, server.job(&[HUB, PROMOTE, LAST])).await;
    assert_eq!((refused.role.as_str(), &refused.with), (PROMOTE, &With::Role(HUB.into())));
    assert_eq!(server.asked(), (1, 2), "the last one is not tried");
    assert!(refused.problem().fix[0].contains(&format!("trust policy of {PROMOTE}")), "{refused:?}");
}

#[tokio::test]
async fn new_keys_are_asked_for_when_two_thirds_are_over() {
    let server = Server::start();
    let keys = server.keys(server.job(&[HUB]));
    keys.fresh().await.unwrap();
    server.pass(39);
    assert_eq!(keys.fresh().await.unwrap().access_key_id(), "ASIA0002");
    server.pass(1);
    assert_eq!(keys.fresh().await.unwrap().access_key_id(), "ASIA0004", "a new token, a new session");
    assert_eq!(server.asked(), (2, 2));
    let info = keys.info().await.unwrap().unwrap();
    assert_eq!(info.renewed_from.unwrap().to_string(), "2099-01-01T01:20:00Z");
    assert_eq!(keys.lifetime().end(), None, "nothing to reckon with while they renew themselves");
}

#[tokio::test]
async fn calls_in_parallel_exchange_once() {
    let server = Server::start();
    let keys = server.keys(server.job(&[HUB, PROMOTE]));
    let all = futures_util::future::join_all((0..20).map(|_| keys.fresh())).await;
    assert!(all.iter().all(|keys| keys.as_ref().unwrap().access_key_id() == "ASIA0003"));
    assert_eq!(server.asked(), (1, 2));
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_at_a_pace_while_the_old_keys_serve() {
    let server = Server::start();
    let keys = server.keys(server.job(&[HUB]));
    keys.fresh().await.unwrap();
    server.book.lock().unwrap().token = vec![(403, String::new()); 2];
    server.pass(40);
    for _ in 0..5 {
        assert_eq!(keys.fresh().await.unwrap().access_key_id(), "ASIA0002");
    }
    assert_eq!(server.asked(), (2, 1), "once, not for every call");
    let end = keys.lifetime().end().unwrap();
    assert_eq!(end.to_string(), "2099-01-01T01:00:00Z", "from now on their end has to be reckoned with");
    assert!(keys.lifetime().trouble().unwrap().contains("HTTP 403"));
    server.pass(1);
    assert_eq!(keys.fresh().await.unwrap().access_key_id(), "ASIA0002");
    assert_eq!(server.asked(), (3, 1));
    server.pass(1);
    assert_eq!(keys.fresh().await.unwrap().access_key_id(), "ASIA0006", "it recovers");
    assert_eq!((keys.lifetime().end(), keys.lifetime().trouble()), (None, None));
}

#[tokio::test]
async fn keys_that_could_not_be_renewed_end_with_the_reason() {
    let server = Server::start();
    let keys = server.keys(server.job(&[HUB]));
    keys.fresh().await.unwrap();
    server.book.lock().unwrap().token = vec![(403, String::new()); 9];
    server.pass(61);
    let AwsError::Role(refused) = keys.fresh().await.unwrap_err() else { panic!("not the role's fault") };
    assert_eq!(refused.obstacle, Obstacle::TokenDenied);
    assert!(keys.fresh().await.is_err());
    assert_eq!(server.asked(), (2, 1), "nor is GitHub asked for every call then");
}

#[tokio::test]
async fn what_the_chain_begins_with_decides_how_long_it_can_be_renewed() {
    let server = Server::start();
    let end = |hours: u64| UNIX_EPOCH + Duration::from_secs(START + hours * 3_600);
    let session = |end: Option<SystemTime>| Credentials::new("ASIAENV", "s", Some("t".into()), end, "test");
    for (start, expires, renewable) in [
        (user(), "2099-01-01T01:00:00Z", true),
        (session(None), "2099-01-01T01:00:00Z", false),
        (session(Some(end(8))), "2099-01-01T08:00:00Z", false),
    ] {
        let info = server.keys(server.found(Some(start), &[HUB])).info().await.unwrap().unwrap();
        assert_eq!((info.expires.unwrap().to_string().as_str(), info.renewable), (expires, renewable));
        assert!(info.origin.starts_with(HUB), "{info:?}");
    }
    let refused = refusal(&server, server.found(None, &[HUB])).await;
    assert_eq!((refused.obstacle, &refused.with), (Obstacle::NothingToStartFrom, &With::Found));
}

#[tokio::test]
async fn whoever_masks_hears_of_every_secret_as_soon_as_it_is_there() {
    let server = Server::start();
    let chain = server.job(&[HUB, PROMOTE]);
    let secrets = chain.secrets.clone();
    let keys = server.keys(chain);
    keys.fresh().await.unwrap();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let told_too = Arc::clone(&told);
    secrets.listen(Box::new(move |value| told_too.lock().unwrap().push(value.to_owned())));
    assert_eq!(*told.lock().unwrap(), [TOKEN, "secret-2", "session-2", "secret-3", "session-3"]);
    server.pass(45);
    keys.fresh().await.unwrap();
    assert_eq!(told.lock().unwrap()[5..], ["secret-5", "session-5", "secret-6", "session-6"]);
    let shown = format!("{keys:?} {secrets:?}");
    for value in told.lock().unwrap().iter().chain([&ASKED_WITH.to_owned()]) {
        assert!(!shown.contains(value), "{value}: {shown}");
    }
}
