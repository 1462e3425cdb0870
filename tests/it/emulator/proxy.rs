//! A proxy between the program and the emulator: it notes every request, and holds or loses the one a test asks for.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::operation;
use crate::support::socket::{forward, read_request};

/// How long a test waits for the request that it wants held.
const HELD_LIMIT: Duration = Duration::from_secs(120);

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Forwarded, and the answer given back.
    Pass,
    /// Kept until the test lets it go; the emulator has not seen it.
    HoldBefore,
    /// Forwarded; the answer is kept until the test lets it go.
    HoldAfter,
    /// Forwarded; the program's connection is closed in place of the answer.
    LoseReply,
}

/// A request that is held; it goes on when this value is dropped.
pub struct Held {
    /// Its operation.
    pub operation: String,
    release: Sender<()>,
    landed: Receiver<()>,
}

impl Held {
    /// Lets it go, and waits until it is through.
    pub fn land(self) {
        drop(self.release);
        let _ = self.landed.recv();
    }
}

/// Decides about a request by its operation and, for a write, its number among the writes, counted from 1.
type Rule = Box<dyn Fn(&str, Option<usize>) -> Fate + Send + Sync>;

struct Shared {
    upstream: String,
    rule: Rule,
    seen: Mutex<Vec<String>>,
    held: Mutex<Sender<Held>>,
    stop: AtomicBool,
}

/// A listening proxy; it ends when this value is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    held: Receiver<Held>,
}

impl Proxy {
    /// In front of `endpoint`, with every request forwarded.
    pub fn watching(endpoint: &str) -> Self {
        Self::ruled(endpoint, |_, _| Fate::Pass)
    }

    /// In front of `endpoint`, with one fate for the `nth` write (from 1) and `Pass` for everything else.
    pub fn at_write(endpoint: &str, nth: usize, fate: Fate) -> Self {
        Self::ruled(endpoint, move |_, write| if write == Some(nth) { fate } else { Fate::Pass })
    }

    /// In front of `endpoint`.
    pub fn ruled(endpoint: &str, rule: impl Fn(&str, Option<usize>) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, held) = mpsc::channel();
        let shared = Arc::new(Shared {
            upstream: endpoint.trim_start_matches("http://").to_owned(),
            rule: Box::new(rule),
            seen: Mutex::default(),
            held: Mutex::new(sender),
            stop: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.stop.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&accepting);
                // A program that was killed, or a reply that is lost, ends a connection early.
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { port, shared, held }
    }

    /// Its address, as in `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The operations requested so far, in the order in which they were sent.
    pub fn requests(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The writes among them.
    pub fn writes(&self) -> Vec<String> {
        self.requests().into_iter().filter(|operation| operation::is_write(operation)).collect()
    }

    /// Waits until a request is held.
    pub fn held(&self) -> Held {
        match self.held.recv_timeout(HELD_LIMIT) {
            Ok(held) => held,
            Err(_) => panic!("the request to hold was never sent; sent were {:?}", self.requests()),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    /// One request: every answer says that the connection ends with it.
    fn serve(&self, mut program: TcpStream) -> io::Result<()> {
        let Some((head, body)) = read_request(&mut program)? else { return Ok(()) };
        let operation = operation::of(&head);
        let fate = (self.rule)(&operation, self.note(&operation));
        let mut landing = None;
        if fate == Fate::HoldBefore {
            landing = self.hold(&operation);
        }
        let answer = forward(&self.upstream, &head, &body)?;
        drop(landing);
        match fate {
            Fate::LoseReply => return Ok(()),
            Fate::HoldAfter => drop(self.hold(&operation)),
            Fate::Pass | Fate::HoldBefore => {}
        }
        program.write_all(&answer)
    }

    /// Notes a request; for a write, its number.
    fn note(&self, operation: &str) -> Option<usize> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(operation.to_owned());
        let writes = seen.iter().filter(|operation| operation::is_write(operation)).count();
        operation::is_write(operation).then_some(writes)
    }

    /// Keeps a request until the test lets it go; what is dropped when it is through.
    fn hold(&self, operation: &str) -> Option<Sender<()>> {
        let (release, released) = mpsc::channel();
        let (landing, landed) = mpsc::channel();
        let held = Held { operation: operation.to_owned(), release, landed };
        self.held.lock().unwrap_or_else(PoisonError::into_inner).send(held).ok()?;
        // Nothing is ever sent: it ends when the other side is dropped.
        let _ = released.recv();
        Some(landing)
    }
}
