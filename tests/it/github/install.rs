//! install.sh on a stand-in runner, with archives from a folder or a local server: what is verified is installed, and
//! nothing else ever is.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::files::root;

const TARGET: &str = "x86_64-unknown-linux-musl";
/// What the script may find on a runner's PATH.
const PROGRAMS: [&str; 24] = [
    "awk",
    "bash",
    "cat",
    "chmod",
    "curl",
    "cut",
    "dirname",
    "gzip",
    "mkdir",
    "mktemp",
    "mv",
    "perl",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "shasum",
    "tail",
    "tar",
    "timeout",
    "tr",
    "uname",
    "head",
    "wc",
];

/// A runner with the action, and a folder of archives.
struct Runner {
    home: TempDir,
    env: BTreeMap<&'static str, String>,
}

/// What a run of the script said.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

fn archive(version: &str, target: &str) -> String {
    format!("stagegate-{version}-{target}.tar.gz")
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Runner {
    /// One whose action was released with version 0.1.0 for one target.
    fn new() -> Self {
        let runner = Self { home: tempfile::tempdir().unwrap(), env: BTreeMap::new() };
        for folder in ["action", "bin", "mirror", "temp", "tools"] {
            fs::create_dir(runner.path(folder)).unwrap();
        }
        let path = std::env::var_os("PATH").unwrap();
        for name in PROGRAMS {
            let found = std::env::split_paths(&path).map(|folder| folder.join(name));
            found
                .filter(|path| path.is_file())
                .take(1)
                .for_each(|path| symlink(path, runner.path("bin").join(name)).unwrap());
        }
        // Pauses between attempts are counted, not waited for.
        program(&runner.path("bin/sleep"), &format!("#!/bin/sh\necho $1 >> {}\n", runner.path("slept").display()));
        fs::copy(root().join("install.sh"), runner.path("action/install.sh")).unwrap();
        let sum = runner.pack("0.1.0", TARGET, "stagegate 0.1.0");
        runner.table(&[(&sum, &archive("0.1.0", TARGET))]);
        let mirror = format!("file://{}", runner.path("mirror").display());
        runner.set("STAGEGATE_DOWNLOAD_URL", &mirror).set("RUNNER_OS", "Linux").set("RUNNER_ARCH", "X64")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.insert(name, value.to_owned());
        self
    }

    /// An archive in the mirror, whose program says a line; its SHA-256.
    fn pack(&self, version: &str, target: &str, says: &str) -> String {
        let folder = self.home.path().join("packing");
        let name = format!("stagegate-{version}-{target}");
        fs::create_dir_all(folder.join(&name)).unwrap();
        program(&folder.join(&name).join("stagegate"), &format!("#!/bin/sh\necho '{says}'\n"));
        let path = self.path("mirror").join(archive(version, target));
        let status = Command::new("tar").arg("-czf").arg(&path).arg("-C").arg(&folder).arg(&name).status();
        assert!(status.unwrap().success());
        sha256(&path)
    }

    fn table(&self, lines: &[(&str, &str)]) {
        let lines: String = lines.iter().map(|(sum, name)| format!("{sum}  {name}\n")).collect();
        fs::write(self.path("action/checksums.txt"), format!("# a comment\n{lines}")).unwrap();
    }

    /// With a `gh` that writes down how it was called. `exit` is shell: it sees how often that was.
    fn gh(self, exit: impl std::fmt::Display) -> Self {
        self.gh_with("", exit)
    }

    /// What makes a `gh` give the archive of the mirror.
    fn gives() -> String {
        "[ \"$1\" = attestation ] || { while [ \"$1\" != --output ]; do shift; done; cat $GH_ARCHIVE > \"$2\"; exit 0; }".into()
    }

    /// The same, with more that it does.
    fn gh_with(self, does: &str, exit: impl std::fmt::Display) -> Self {
        let log = self.path("gh-called");
        let script = format!(
            "#!/bin/sh\ncase $* in *--help) exit $GH_KNOWS ;; esac\necho \"$@\" >> {log}\ntimes=$(wc -l < {log})\n{does}\n\
             echo 'no attestations found' >&2\nexit {exit}\n",
            log = log.display()
        );
        program(&self.path("bin/gh"), &script);
        let archive = self.path("mirror").join(archive("0.1.0", TARGET)).display().to_string();
        self.set("GH_TOKEN", "a-token").set("GH_KNOWS", "0").set("GH_ARCHIVE", &archive)
    }

    /// With a `timeout` that writes down the bounds that it is given, in seconds.
    fn watched(self) -> Self {
        fs::remove_file(self.path("bin/timeout")).unwrap();
        let log = self.path("bounds").display().to_string();
        program(&self.path("bin/timeout"), &format!("#!/bin/sh\necho $1 >> {log}\nshift\nexec \"$@\"\n"));
        self
    }

    fn run(&self) -> Said {
        let output = Command::new(self.path("bin/bash"))
            .arg(self.path("action/install.sh"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("RUNNER_TOOL_CACHE", self.path("tools"))
            .env("GITHUB_PATH", self.path("paths"))
            .envs(&self.env)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What the program on the job's PATH says.
    #[track_caller]
    fn installed(&self) -> String {
        let paths = self.read("paths");
        let folder = paths.lines().last().unwrap_or_else(|| panic!("nothing on the PATH"));
        let output = Command::new(Path::new(folder).join("stagegate")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Asserts that the script refused: with one annotation that says `words`, and nothing installed.
    #[track_caller]
    fn refuses(&self, words: &[&str]) {
        let said = self.run();
        let all = format!("{}\n{}", said.out, said.err);
        assert!(!said.ok, "{all}");
        let commands: Vec<&str> = all.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        let [one] = commands.as_slice() else { panic!("{all}") };
        assert!(one.starts_with("::error title=stagegate was not installed::"), "{one}");
        for word in ["%0Awhy: ", "%0AAWS: nothing was changed", "%0Afix: "].iter().chain(words) {
            assert!(one.contains(word), "{word}: {one}");
        }
        assert_eq!(self.read("paths"), "", "{all}");
        let programs = walk(&self.path("temp")).into_iter().chain(walk(&self.path("tools")));
        assert_eq!(programs.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "{all}");
    }
}

/// The files below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn what_was_verified_is_installed_and_comes_from_the_cache_the_second_time() {
    let runner = Runner::new();
    let first = runner.run();
    assert!(first.ok, "{}", first.err);
    assert_eq!(runner.installed(), "stagegate 0.1.0");
    assert!(first.out.contains("gh is not on this runner"), "{}", first.out);
    fs::remove_file(runner.path("mirror").join(archive("0.1.0", TARGET))).unwrap();
    let second = runner.run();
    assert!(second.ok && second.out.contains("from the tool cache"), "{}{}", second.out, second.err);
    assert_eq!(runner.installed(), "stagegate 0.1.0");
    let kept = walk(&runner.path("tools"));
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[test]
fn a_cache_that_was_touched_is_not_used() {
    let runner = Runner::new();
    assert!(runner.run().ok);
    let kept = walk(&runner.path("tools")).remove(0);
    fs::write(&kept, "something else").unwrap();
    let said = runner.run();
    assert!(said.ok && said.out.contains("downloaded, SHA-256 verified"), "{}{}", said.out, said.err);
    assert_eq!(sha256(&kept), sha256(&runner.path("mirror").join(archive("0.1.0", TARGET))));
}

#[test]
fn every_supported_runner_gets_its_own_archive() {
    for (system, machine, target) in [
        ("Linux", "X64", "x86_64-unknown-linux-musl"),
        ("Linux", "ARM64", "aarch64-unknown-linux-musl"),
        ("macOS", "X64", "x86_64-apple-darwin"),
        ("macOS", "ARM64", "aarch64-apple-darwin"),
    ] {
        let runner = Runner::new().set("RUNNER_OS", system).set("RUNNER_ARCH", machine);
        let sum = runner.pack("0.1.0", target, "stagegate 0.1.0");
        let other = "0".repeat(64);
        runner.table(&[(&other, &archive("0.1.0", "riscv64-unknown-linux-musl")), (&sum, &archive("0.1.0", target))]);
        let said = runner.run();
        assert!(said.ok && runner.read("paths").contains(target), "{target}: {}", said.err);
    }
}

#[test]
fn another_runner_is_refused_with_those_that_work() {
    let words = ["no stagegate for Windows on X64", "run this job on ubuntu-latest"];
    Runner::new().set("RUNNER_OS", "Windows").refuses(&words);
    Runner::new().set("RUNNER_ARCH", "ARM").refuses(&["no stagegate for Linux on ARM"]);
}

#[test]
fn another_archive_than_the_one_that_was_released_is_refused() {
    let runner = Runner::new();
    runner.pack("0.1.0", TARGET, "stagegate 0.1.0, but somebody else's");
    runner.refuses(&["is not the archive that was released", "expected", "tell the maintainers of example/stagegate"]);
    // A checksum that is given counts in place of the table.
    Runner::new().set("STAGEGATE_INSTALL_CHECKSUM", &"a".repeat(64)).refuses(&["is not the archive that was released"]);
    Runner::new().set("STAGEGATE_INSTALL_CHECKSUM", "::warning::\nx").refuses(&["is not a SHA-256"]);
}

#[test]
fn a_missing_archive_is_refused_at_once() {
    let runner = Runner::new();
    fs::remove_file(runner.path("mirror").join(archive("0.1.0", TARGET))).unwrap();
    runner.refuses(&["cannot download", "at attempt 1", "STAGEGATE_DOWNLOAD_URL"]);
    assert_eq!(runner.read("slept"), "");
}

#[test]
fn another_version_needs_its_checksum() {
    let runner = Runner::new().set("STAGEGATE_INSTALL_VERSION", "v0.2.0-rc.1");
    let sum = runner.pack("0.2.0-rc.1", TARGET, "stagegate 0.2.0-rc.1");
    runner.refuses(&["no checksum for stagegate 0.2.0-rc.1", "version 0.1.0 only", "SHA256SUMS"]);
    let runner = runner.set("STAGEGATE_INSTALL_CHECKSUM", &sum.to_uppercase());
    let said = runner.run();
    assert!(said.ok, "{}", said.err);
    assert_eq!(runner.installed(), "stagegate 0.2.0-rc.1");
}

#[test]
fn a_commit_that_was_not_released_installs_nothing() {
    let runner = Runner::new();
    fs::copy(root().join("checksums.txt"), runner.path("action/checksums.txt")).unwrap();
    runner.refuses(&["this commit of the action was not released", "example/stagegate@v1"]);
}

#[test]
fn a_version_is_a_version_and_nothing_else() {
    for hostile in
        ["../../x", "v1;rm", "1.2.3/../..", "$(id)", "1.2.3\n::set-output name=x::y", "1.2", "latest", "1.2.3-`id`"]
    {
        let runner = Runner::new().set("STAGEGATE_INSTALL_VERSION", hostile);
        runner.set("STAGEGATE_INSTALL_CHECKSUM", &"a".repeat(64)).refuses(&["is not a version"]);
    }
}

#[test]
fn a_program_that_is_not_that_version_is_not_installed() {
    for says in ["stagegate 0.0.9", "", "::error::x"] {
        let runner = Runner::new();
        let sum = runner.pack("0.1.0", TARGET, says);
        runner.table(&[(&sum, &archive("0.1.0", TARGET))]);
        let said = runner.run();
        assert!(!said.ok && said.err.contains("does not run here"), "{}", said.err);
        assert_eq!(runner.read("paths"), "");
    }
}

#[test]
fn the_build_attestation_decides_where_gh_is_there() {
    let runner = Runner::new().gh(0).set("STAGEGATE_INSTALL_REPOSITORY", "acme/stagegate");
    let said = runner.run();
    assert!(said.ok && said.out.contains("build attestation verified: acme/stagegate"), "{}{}", said.out, said.err);
    let called = runner.read("gh-called");
    let flags = "--repo acme/stagegate --signer-workflow acme/stagegate/.github/workflows/release.yml\n";
    assert!(called.starts_with("attestation verify /") && called.ends_with(flags), "{called}");
    let hostile = Runner::new().gh(0).set("STAGEGATE_INSTALL_REPOSITORY", "--help;id");
    assert!(hostile.run().ok && hostile.read("gh-called").contains("--repo example/stagegate"));
    let old = Runner::new().gh(1).set("GH_KNOWS", "1");
    assert!(old.run().out.contains("this gh is too old") && old.installed() == "stagegate 0.1.0");
    let without = Runner::new().gh(1).set("GH_TOKEN", "");
    assert!(without.run().out.contains("github-token is empty"));
    assert_eq!((without.installed().as_str(), without.read("gh-called").as_str()), ("stagegate 0.1.0", ""));
}

#[test]
fn a_rollback_waits_for_one_short_question_and_no_second_service_stops_it() {
    let asked = |runner: &Runner| runner.read("gh-called").lines().count();
    // The sum stands in the commit of the action that the workflow chose.
    let silent = Runner::new().gh(1).watched();
    let said = silent.run();
    assert!(said.ok && silent.installed() == "stagegate 0.1.0", "{}", said.err);
    let warnings: Vec<&str> = said.out.lines().filter(|line| line.starts_with("::")).collect();
    let [warning] = warnings.as_slice() else { panic!("{}", said.out) };
    for word in
        ["::warning title=stagegate has no build attestation::", "no attestations found", "checksums.txt", "%0Afix: "]
    {
        assert!(warning.contains(word), "{word}: {warning}");
    }
    assert_eq!((asked(&silent), silent.read("slept").as_str(), silent.read("bounds").as_str()), (1, "", "10\n"));
    // Where there is no `timeout`, as on macOS, something else ends it; where there is nothing, nobody is asked.
    let mac = Runner::new().gh(0);
    fs::remove_file(mac.path("bin/timeout")).unwrap();
    assert!(mac.run().out.contains("build attestation verified"));
    let bare = Runner::new().gh(0);
    ["timeout", "perl"].iter().for_each(|name| fs::remove_file(bare.path("bin").join(name)).unwrap());
    let said = bare.run();
    assert!(said.ok && said.out.contains("nothing on this runner ends a question that hangs"), "{}", said.out);
    assert_eq!((bare.installed().as_str(), asked(&bare)), ("stagegate 0.1.0", 0));
    let here = Runner::new().gh(0).set("GITHUB_SERVER_URL", "https://github.com");
    assert!(here.run().out.contains("build attestation verified"));
}

#[test]
fn for_a_typed_sum_the_attestation_is_asked_again_and_decides() {
    let asked = |runner: &Runner| runner.read("gh-called").lines().count();
    let typed = |runner: Runner| {
        let sum = sha256(&runner.path("mirror").join(archive("0.1.0", TARGET)));
        runner.set("STAGEGATE_INSTALL_CHECKSUM", &sum)
    };
    let late = typed(Runner::new().gh("$((times < 3))")).watched();
    let said = late.run();
    assert!(said.ok && said.out.contains("build attestation verified") && !said.out.contains("::"), "{}", said.out);
    assert_eq!(
        (asked(&late), late.read("slept").as_str(), late.read("bounds").as_str()),
        (3, "2\n4\n", "30\n30\n30\n")
    );
    // Another sum is worth as much as whoever typed it.
    let silent = typed(Runner::new().gh(1));
    silent.refuses(&["no build attestation", "asked 3 times", "no attestations found"]);
    let elsewhere = silent.set("GITHUB_SERVER_URL", "https://git.example.com");
    fs::remove_file(elsewhere.path("gh-called")).unwrap();
    assert!(elsewhere.run().out.contains("this is not github.com"));
    assert_eq!((elsewhere.installed().as_str(), asked(&elsewhere)), ("stagegate 0.1.0", 0));
}

#[test]
fn a_release_that_only_members_see_is_downloaded_with_the_token() {
    // What github.com answers to whoever does not say who they are.
    let private = |runner: Runner| {
        fs::remove_file(runner.path("bin/curl")).unwrap();
        program(&runner.path("bin/curl"), "#!/bin/sh\nprintf 404\nexit 22\n");
        runner.set("STAGEGATE_DOWNLOAD_URL", "").set("STAGEGATE_INSTALL_REPOSITORY", "acme/stagegate")
    };
    let name = archive("0.1.0", TARGET);
    let runner = private(Runner::new().gh_with(&Runner::gives(), 0));
    let said = runner.run();
    assert!(said.ok && runner.installed() == "stagegate 0.1.0", "{}{}", said.out, said.err);
    let called = runner.read("gh-called");
    let asked = format!("release download v0.1.0 --repo acme/stagegate --pattern {name} --clobber --output /");
    assert!(called.starts_with(&asked), "{called}");
    // What comes that way is hashed like anything else.
    let other = private(Runner::new().gh_with(&Runner::gives(), 0));
    other.table(&[(&"0".repeat(64), &name)]);
    other.refuses(&["is not the archive that was released"]);
    private(Runner::new().gh(1)).refuses(&["cannot download", "HTTP 404", "no attestations found"]);
    private(Runner::new().gh(0).set("GH_TOKEN", "")).refuses(&["cannot download", "HTTP 404"]);
    private(Runner::new()).refuses(&["cannot download", "HTTP 404", "github-token"]);
}

/// A server that answers each request with the next of `answers`, and closes; its address.
fn server(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    address
}

fn answer(status: &str, body: &[u8], length: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn a_download_is_tried_again_and_half_of_one_is_never_used() {
    let runner = Runner::new();
    let body = fs::read(runner.path("mirror").join(archive("0.1.0", TARGET))).unwrap();
    let (whole, half) = (answer("200 OK", &body, body.len()), answer("200 OK", &body[..body.len() / 2], body.len()));
    let busy = answer("503 Service Unavailable", b"", 0);
    let runner = runner.set("STAGEGATE_DOWNLOAD_URL", &server(vec![busy, half.clone(), whole]));
    let said = runner.run();
    assert!(said.ok, "{}", said.err);
    assert_eq!((runner.installed().as_str(), runner.read("slept").as_str()), ("stagegate 0.1.0", "3\n6\n"));
    let runner = Runner::new().set("STAGEGATE_DOWNLOAD_URL", &server(vec![half; 4]));
    runner.refuses(&["cannot download", "at attempt 4"]);
    let missing = answer("404 Not Found", b"", 0);
    let runner = Runner::new().set("STAGEGATE_DOWNLOAD_URL", &server(vec![missing]));
    runner.refuses(&["HTTP 404", "at attempt 1"]);
}

#[test]
fn elsewhere_than_on_a_runner_it_says_where_to_look() {
    Runner::new().set("GITHUB_PATH", "").refuses(&["this is not a GitHub runner", "Install in the README"]);
}
