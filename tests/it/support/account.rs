//! One test's AWS account in the emulator.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::ClientError;
use super::emulator::{Emulator, REGION};

/// An account that no other test sees, and a home directory for the program under test.
pub struct Account {
    /// The twelve digits.
    pub id: String,
    emulator: &'static Emulator,
    home: TempDir,
}

impl Account {
    #[track_caller]
    pub(super) fn new(emulator: &'static Emulator, id: String) -> Self {
        let home = match tempfile::Builder::new().prefix("home-").tempdir_in(emulator.directory()) {
            Ok(home) => home,
            Err(error) => panic!("cannot make a home directory: {error}"),
        };
        Self { id, emulator, home }
    }

    /// Calls a service: `op` is boto3's method name (`update_alias`) or `wait:` and the name of one of its waiters
    /// (`wait:function_active_v2`); `args` are its arguments, bytes as `{"$base64": "…"}`.
    #[track_caller]
    pub fn call(&self, service: &str, op: &str, args: Value) -> Result<Value, ClientError> {
        self.emulator.client().call(&self.id, service, op, &args)
    }

    /// Like [`Account::call`] where the test depends on success.
    ///
    /// # Panics
    ///
    /// When the service refuses.
    #[track_caller]
    pub fn must(&self, service: &str, op: &str, args: Value) -> Value {
        match self.call(service, op, args) {
            Ok(answer) => answer,
            Err(error) if (400..500).contains(&error.status) => panic!("{service} {op}: {error}"),
            Err(error) => panic!("{service} {op}: {error}; the emulator's log ends:\n{}", self.emulator.log_end()),
        }
    }

    /// GETs a path of a REST API's stage as one of its callers: the status and the body.
    #[track_caller]
    pub fn http_get(&self, api: &str, stage: &str, path: &str) -> (u16, String) {
        self.http("GET", api, stage, path)
    }

    /// Sends a request without a body to a path of a REST API's stage: the status and the body of the answer.
    #[track_caller]
    pub fn http(&self, method: &str, api: &str, stage: &str, path: &str) -> (u16, String) {
        let request = json!({"method": method, "api": api, "stage": stage, "path": path});
        let answer = self.must("helper", "http", request);
        let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        match (status, answer["body"].as_str()) {
            (Some(status), Some(body)) => (status, body.to_owned()),
            _ => panic!("not an answer: {answer}"),
        }
    }

    /// A zip file of one `handler.py`, as a function's `ZipFile`. The same text gives the same `CodeSha256`.
    #[track_caller]
    pub fn zip(&self, handler: &str) -> Value {
        self.must("helper", "zip", json!({"files": {"handler.py": handler}}))
    }

    /// All the environment that the program under test needs, for a command whose own was cleared: it acts in this
    /// account and finds no configuration but what the test puts below `HOME`.
    #[track_caller]
    pub fn env(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("AWS_ACCESS_KEY_ID".to_owned(), self.id.clone()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
            ("AWS_REGION".to_owned(), REGION.to_owned()),
            ("AWS_ENDPOINT_URL".to_owned(), self.emulator.endpoint()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
            ("HOME".to_owned(), self.home.path().display().to_string()),
        ];
        for (name, directory) in [
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
        ] {
            let path = self.home.path().join(directory);
            if let Err(error) = fs::create_dir_all(&path) {
                panic!("cannot make {}: {error}", path.display());
            }
            variables.push((name.to_owned(), path.display().to_string()));
        }
        variables
    }
}
