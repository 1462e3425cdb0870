//! The report page in a browser, where there is one: it is drawn, nothing is complained about, nothing is asked for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Chromium under any of its names.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    places.find(|place| place.is_file())
}

/// What a browser made of a page.
#[derive(Debug)]
struct Seen {
    /// What it wrote to its console.
    complaints: Vec<String>,
    /// What it asked for.
    requests: Vec<String>,
    /// The size of the picture of it, bytes.
    picture: u64,
}

fn open(browser: &Path, page: &Path, width: u32) -> Seen {
    let home = tempfile::tempdir().unwrap();
    let (log, picture) = (home.path().join("net.json"), home.path().join("page.png"));
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"])
        .arg(format!("--window-size={width},1200"))
        .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints = said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    // A browser that was told to keep quiet asks its maker nevertheless.
    let makers = ["google.com", "googleapis.com", "gvt1.com", "chromium.org", "google-analytics.com"];
    let log = std::fs::read_to_string(log).unwrap();
    let urls = log.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let by_maker =
        |url: &&str| makers.iter().any(|maker| url.split('/').nth(2).is_some_and(|host| host.ends_with(maker)));
    let requests = urls.filter(|url| url.starts_with("http") && !by_maker(url)).map(str::to_owned).collect();
    Seen { complaints, requests, picture: std::fs::metadata(picture).map_or(0, |file| file.len()) }
}

/// The demo's page.
fn demo(folder: &Path, line: &str) -> PathBuf {
    let file = folder.join("release.html");
    let status = Command::new(env!("CARGO_BIN_EXE_stagegate"))
        .args(line.split_whitespace())
        .arg("--html")
        .arg(&file)
        .env_clear()
        .env("HOME", folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .status;
    assert!(matches!(status.code(), Some(0 | 5)), "{line}: {status}");
    file
}

#[test]
fn a_browser_draws_the_page_without_complaint_and_asks_for_nothing() {
    let Some(browser) = browser() else {
        println!("SKIPPED the report page in a browser: no Chromium on the PATH");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // What would be seen if there were something to see.
    let bad = folder.path().join("bad.html");
    std::fs::write(&bad, "<script>console.error('x')</script><img src=\"http://page.invalid/x.png\">").unwrap();
    let seen = open(&browser, &bad, 900);
    assert!(!seen.complaints.is_empty() && seen.requests.iter().any(|url| url.contains("page.invalid")), "{seen:?}");
    for line in ["demo", "demo --regress errors", "demo --canary-mode stage"] {
        let page = demo(folder.path(), line);
        for width in [1100, 390] {
            let seen = open(&browser, &page, width);
            assert!(seen.complaints.is_empty() && seen.requests.is_empty(), "{line}: {seen:?}");
            assert!(seen.picture > 10_000, "{line} at {width}: {seen:?}");
        }
    }
}

#[test]
fn a_folder_is_no_place_for_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stagegate"))
        .args(["demo", "--html"])
        .arg(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error[SG-K16]") && said.contains("is a folder"), "{said}");
}
