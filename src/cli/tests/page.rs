//! `status --html` over a model of AWS.

use futures_util::FutureExt as _;

use super::super::args::{Command, StatusArgs};
use super::{Desk, parse};
use crate::problem::{Code, Exit, Problem};
use crate::report::Shape;

impl Desk {
    /// What `status … --html release.html` writes.
    fn page(&self, line: &str) -> Result<String, Problem> {
        let Command::Status(StatusArgs { target, html, release, .. }) =
            parse(&format!("status {line} --html release.html"))
        else {
            panic!("{line}")
        };
        let (located, session) = (self.locate(&target), self.session());
        let live = super::status::look(&self.app, &located, &session).now_or_never().expect("virtual time")?;
        super::super::page::write(&self.app, &located, &html.unwrap(), release.as_ref(), &live)?;
        Ok(std::fs::read_to_string(self.folder.path().join("release.html")).unwrap())
    }
}

/// The release ids that stand in the titles.
fn title(page: &str) -> &str {
    page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap()
}

#[test]
fn the_newest_release_is_shown_with_what_aws_is_now_and_how_to_go_back() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    let page = desk.page("prod").unwrap();
    assert_eq!(title(&page), "Release of prod: promoted");
    assert!(page.contains("As read from AWS (us-east-1)") && page.contains("<code>stagegate rollback prod</code>"));
    assert!(page.contains("<code>lambda:PublishVersion</code>") && page.contains("v3 published"));
    assert!(desk.err.text().ends_with("page  release.html\n"), "{}", desk.err.text());
}

#[test]
fn a_rollback_is_shown_as_such_and_an_older_release_can_be_named() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    let run = desk.app.state.as_ref().unwrap().list().0[0].run.clone();
    desk.rollback("pets:live --yes").unwrap();
    assert_eq!(title(&desk.page("prod").unwrap()), "Rollback of pets:live: rolled back, as asked");
    assert_eq!(title(&desk.page(&format!("prod --release {run}")).unwrap()), "Release of prod: promoted");
}

#[test]
fn without_a_journal_the_page_says_what_is_missing_and_shows_what_aws_says() {
    let desk = Desk::new(Shape::Human);
    desk.promote("prod --yes").unwrap();
    std::fs::remove_dir_all(desk.folder.path().join("state")).unwrap();
    let page = desk.page("prod").unwrap();
    assert_eq!(title(&page), "prod: what AWS says");
    assert!(page.contains("there is no journal of a release of prod on this machine"));
    assert!(page.contains("promoted, v1 → v3") && !page.contains("<svg viewBox"), "the record, and no pictures");
    let told = desk.err.text();
    assert!(told.contains("warning[SG-J03]") && told.contains("stagegate status prod --html FILE"), "{told}");
    let other = desk.page("prod --release r-01JD3K7Q4T0000000000000000").unwrap();
    assert!(other.contains("no journal of release r-01JD3K7Q4T0000000000000000 of prod"));
}

#[test]
fn a_place_that_cannot_be_written_is_refused() {
    let desk = Desk::new(Shape::Human);
    std::fs::create_dir(desk.folder.path().join("release.html")).unwrap();
    let problem = desk.page("prod").unwrap_err();
    assert_eq!((problem.code, problem.exit), (Code::FileUnwritable, Exit::Usage));
    assert_eq!(problem.why, ["release.html is a folder"]);
}
