//! The emulator that all tests of this process share.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::client::Client;
use super::environment::{announce, without_python};
use super::{install, launch, python};

/// The region of everything the tests make: not the one that tools fall back to.
pub const REGION: &str = "eu-west-1";

/// What cannot run without Python.
const WHAT: &str = "all tests against the AWS emulator";

/// A running LocalEmu and an independent client of it.
pub struct Emulator {
    running: launch::Running,
    client: Client,
    accounts: Mutex<HashSet<String>>,
}

static SHARED: OnceLock<Result<Option<Emulator>, String>> = OnceLock::new();

impl Emulator {
    /// The emulator of this test process, installed and started by the first test that asks.
    ///
    /// `None` where there is no Python 3.13: the test has nothing to run against and returns, and the terminal says so.
    ///
    /// # Panics
    ///
    /// With the reason when the emulator cannot be installed or started, and for want of Python when `CI` is set.
    #[track_caller]
    pub fn shared() -> Option<&'static Self> {
        match SHARED.get_or_init(Self::start) {
            Ok(emulator) => emulator.as_ref(),
            Err(reason) => panic!("{reason}"),
        }
    }

    fn start() -> Result<Option<Self>, String> {
        let Some(base) = python::find() else {
            announce(&without_python(WHAT)?);
            return Ok(None);
        };
        let python = install::install(&base)?;
        let running = launch::launch(&python)?;
        let endpoint = endpoint_of(&running);
        let client = Client::start(&python, &endpoint, REGION)?;
        Ok(Some(Self { running, client, accounts: Mutex::default() }))
    }

    /// An empty AWS account for one test; the same name always gives the same account id.
    ///
    /// # Panics
    ///
    /// When the name was used before: two tests in one account would see each other's resources.
    #[track_caller]
    pub fn account(&'static self, name: &str) -> Account {
        let id = account_id(name);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(accounts.insert(id.clone()), "the account {name:?} ({id}) is another test's");
        Account::new(self, id)
    }

    /// The address of all its services, as in `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        endpoint_of(&self.running)
    }

    /// The end of what the emulator has written so far.
    pub fn log_end(&self) -> String {
        self.running.log.end()
    }

    /// Where a test may keep files that must not outlive this process, even when it is killed.
    pub(super) fn directory(&self) -> &Path {
        &self.running.directory
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

fn endpoint_of(running: &launch::Running) -> String {
    format!("http://127.0.0.1:{}", running.port)
}

/// Twelve digits, the first not zero. The emulator takes such an access key for the account's id.
fn account_id(name: &str) -> String {
    let digest = Sha256::digest(name);
    let number = digest.iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    format!("{}", 100_000_000_000 + number % 900_000_000_000)
}
