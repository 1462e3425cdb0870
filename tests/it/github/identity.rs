//! GitHub's token endpoint and AWS STS in front of the emulator: tokens are exchanged for credentials that end, and every
//! other call is let through with credentials that have not.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::support::socket::{forward, header, read_request};

/// What a job asks for a token with.
/// What a job asks for its token with.
pub const BEARER: &str = "standInBearerOfTheJob";
/// In the path of a request to a stage, at the emulator's address.
const CLIENTS: &str = "/_aws/execute-api/";
const AUDIENCE: &str = "sts.amazonaws.com";
const ROLE: &str = "stagegate-promote";

/// The server; it ends when this value is dropped.
pub struct Identity {
    port: u16,
    shared: Arc<Shared>,
}

/// A token that was exchanged for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When.
    pub at: Instant,
    /// The name of the session.
    pub session: String,
}

struct Shared {
    upstream: String,
    account: String,
    lifetime: Duration,
    denies_tokens: AtomicBool,
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Vec<String>,
    issued: Vec<Issued>,
    exchanges: Vec<Exchange>,
    refused: Vec<String>,
}

struct Issued {
    key: String,
    secret: String,
    session_token: String,
    session: String,
    ends: Timestamp,
}

impl Identity {
    /// In front of `endpoint`, for one account, with credentials that last so long.
    pub fn new(endpoint: &str, account: &str, lifetime: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream: endpoint.trim_start_matches("http://").to_owned(),
            account: account.to_owned(),
            lifetime,
            denies_tokens: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.stop.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { port, shared }
    }

    /// What a job with `id-token: write` finds in its environment, and the address in place of AWS.
    pub fn env(&self) -> Vec<(String, String)> {
        let here = format!("http://127.0.0.1:{}", self.port);
        [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{here}/idtoken/9912?api-version=2.0")),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER.to_owned()),
            ("AWS_ENDPOINT_URL", here),
            ("AWS_REGION", crate::support::emulator::REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The role that trusts the job.
    pub fn role(&self) -> String {
        self.shared.role()
    }

    /// From now on a job gets no token.
    pub fn deny_tokens(&self) {
        self.shared.denies_tokens.store(true, Ordering::SeqCst);
    }

    /// The tokens that were exchanged.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.state().exchanges.clone()
    }

    /// The requests that were refused, and why.
    pub fn refused(&self) -> Vec<String> {
        self.shared.state().refused.clone()
    }

    /// Everything that was handed out and must be shown nowhere.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.shared.state();
        let keys = state.issued.iter().flat_map(|issued| [issued.secret.clone(), issued.session_token.clone()]);
        keys.chain(state.tokens.clone()).chain([BEARER.to_owned()]).collect()
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn role(&self) -> String {
        format!("arn:aws:iam::{}:role/{ROLE}", self.account)
    }

    fn serve(&self, mut program: TcpStream) -> io::Result<()> {
        let Some((head, body)) = read_request(&mut program)? else { return Ok(()) };
        let target = head.split_whitespace().nth(1).unwrap_or_default();
        let form = form(&String::from_utf8_lossy(&body));
        let answer = match (target.strip_prefix("/idtoken/"), form.get("Action").map(String::as_str)) {
            (Some(query), _) => self.token(&head, query),
            (_, Some("AssumeRoleWithWebIdentity")) => self.exchange(&form),
            // A client of the API signs nothing.
            _ if target.contains(CLIENTS) && header(&head, "authorization").is_none() => {
                forward(&self.upstream, &head, &body)?
            }
            (_, action) => match self.signed_by(&head) {
                Err(refusal) => refusal,
                Ok((session, _)) if action == Some("GetCallerIdentity") => self.caller(&session),
                Ok((_, key)) => {
                    // The emulator takes the key of a request for the account's id.
                    let head = head.replace(&format!("Credential={key}/"), &format!("Credential={}/", self.account));
                    forward(&self.upstream, &head, &body)?
                }
            },
        };
        program.write_all(&answer)
    }

    /// A token, as `ACTIONS_ID_TOKEN_REQUEST_URL` gives it.
    fn token(&self, head: &str, query: &str) -> Vec<u8> {
        let bearer = header(head, "authorization").unwrap_or_default();
        let told =
            bearer.split_once(' ').is_some_and(|(kind, token)| kind.eq_ignore_ascii_case("bearer") && token == BEARER);
        if !told || self.denies_tokens.load(Ordering::SeqCst) {
            return self.refuse("403 Forbidden", "token", "{\"message\": \"no\"}", "application/json");
        }
        let audience = query.split(['?', '&']).find_map(|pair| pair.strip_prefix("audience="));
        if !query.starts_with("9912?api-version=2.0&") || audience != Some(AUDIENCE) {
            return self.refuse("400 Bad Request", query, "{\"message\": \"what?\"}", "application/json");
        }
        let mut state = self.state();
        // {"sub":"repo:shop/checkout:environment:production"}
        let claims = "eyJzdWIiOiJyZXBvOnNob3AvY2hlY2tvdXQ6ZW52aXJvbm1lbnQ6cHJvZHVjdGlvbiJ9";
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{claims}.signature{}", state.tokens.len());
        state.tokens.push(token.clone());
        answer("200 OK", "application/json", &format!("{{\"count\": 1, \"value\": \"{token}\"}}"))
    }

    /// `AssumeRoleWithWebIdentity`.
    fn exchange(&self, form: &BTreeMap<String, String>) -> Vec<u8> {
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let session = text("RoleSessionName").to_owned();
        if !self.state().tokens.iter().any(|token| token == text("WebIdentityToken")) {
            return self.refuse_sts("InvalidIdentityToken", "Couldn't retrieve verification key");
        }
        // IAM: 2 to 64 of these.
        let fine = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
        if !(2..=64).contains(&session.len()) || !session.chars().all(fine) {
            return self.refuse_sts("ValidationError", &format!("session name {session:?}"));
        }
        if text("RoleArn") != self.role() {
            return self.refuse_sts("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
        }
        let ends = Timestamp::now() + SignedDuration::try_from(self.lifetime).unwrap();
        let mut state = self.state();
        let number = state.issued.len();
        let issued = Issued {
            key: format!("ASIASTANDIN{number:09}"),
            secret: format!("secretOfSession{number:025}"),
            session_token: format!("tokenOfSession{number:050}"),
            session: session.clone(),
            ends,
        };
        let credentials = format!(
            "<AssumedRoleUser><Arn>{}</Arn><AssumedRoleId>AROASTANDIN:{session}</AssumedRoleId></AssumedRoleUser>\
             <Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
             <Expiration>{}</Expiration></Credentials>",
            self.assumed(&session),
            issued.key,
            issued.secret,
            issued.session_token,
            ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        );
        state.issued.push(issued);
        state.exchanges.push(Exchange { at: Instant::now(), session });
        sts("AssumeRoleWithWebIdentity", &credentials)
    }

    fn assumed(&self, session: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{ROLE}/{session}", self.account)
    }

    fn caller(&self, session: &str) -> Vec<u8> {
        let (arn, account) = (self.assumed(session), &self.account);
        sts(
            "GetCallerIdentity",
            &format!("<Arn>{arn}</Arn><UserId>AROASTANDIN:{session}</UserId><Account>{account}</Account>"),
        )
    }

    /// The session and the key that a request is signed with; the refusal of one that is not, or no longer.
    fn signed_by(&self, head: &str) -> Result<(String, String), Vec<u8>> {
        let authorization = header(head, "authorization").unwrap_or_default();
        let key =
            authorization.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
        let found = {
            let state = self.state();
            let issued = state.issued.iter().find(|issued| issued.key == key);
            issued.map(|issued| (issued.session.clone(), issued.session_token.clone(), issued.ends))
        };
        let line = head.lines().next().unwrap_or_default();
        let json = "application/json\r\nx-amzn-errortype: ExpiredTokenException";
        match found {
            Some((session, token, ends)) if header(head, "x-amz-security-token") == Some(&token) => {
                if Timestamp::now() >= ends {
                    let said = "{\"message\": \"The security token included in the request is expired\"}";
                    return Err(self.refuse("403 Forbidden", &format!("expired: {line}"), said, json));
                }
                Ok((session, key.to_owned()))
            }
            _ => Err(self.refuse("403 Forbidden", &format!("unknown credentials: {line}"), "{}", json)),
        }
    }

    fn refuse(&self, status: &str, what: &str, body: &str, kind: &str) -> Vec<u8> {
        self.state().refused.push(format!("{status}: {what}"));
        answer(status, kind, body)
    }

    fn refuse_sts(&self, code: &str, message: &str) -> Vec<u8> {
        let status = if code == "AccessDenied" { "403 Forbidden" } else { "400 Bad Request" };
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>stand-in</RequestId></ErrorResponse>"
        );
        self.refuse(status, &format!("{code}: {message}"), &body, "text/xml")
    }
}

fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into()
}

fn sts(action: &str, result: &str) -> Vec<u8> {
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>stand-in</RequestId></ResponseMetadata></{action}Response>"
    );
    answer("200 OK", "text/xml", &body)
}

/// A form's fields.
fn form(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or(("", part));
        bytes.push(u8::from_str_radix(code, 16).unwrap_or(b'?'));
        bytes.extend_from_slice(rest.replace('+', " ").as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
