//! What every screen holds to at every width of a terminal: lines fit, nothing panics, an old terminal gets ASCII, and
//! colour is nothing but colour.

use futures_util::FutureExt as _;

use super::diff::{beside, diff};
use super::doctor::{URL, doctor};
use super::drift::drift;
use super::{Desk, Shape};
use crate::aws::noun::Identity;
use crate::demo::{self, DemoOptions, Regression};
use crate::event::Silent;
use crate::model::CanaryMode;
use crate::problem::{Code, Problem, Span};
use crate::report::{Term, plan_text, status_text, text};

/// Every width at which something folds, and a sample of the others.
fn widths() -> impl Iterator<Item = usize> {
    (40..=200).filter(|width| width % 16 == 8 || [41, 47, 49, 59, 61, 71, 73, 87, 89, 109, 111, 199].contains(width))
}

/// Whether a line that is too long could have been broken: outside of a command, and not only behind its label.
fn is_breakable(line: &str, width: usize) -> bool {
    let text = line.trim_start();
    let commands = ["stagegate ", "aws ", "mv ", "--", "https://"];
    if line.chars().count() <= width || commands.iter().any(|command| text.contains(command)) || is_log(line) {
        return false;
    }
    // A label and one long word behind it stay together.
    let longest = text.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
    longest + 24 < width
}

/// In a log an event is one line, whatever its length.
fn is_log(line: &str) -> bool {
    line.get(..10).is_some_and(|time| time.ends_with("Z ") && time[..2].bytes().all(|byte| byte.is_ascii_digit()))
}

fn assert_fits(what: &str, shown: &str, width: usize) {
    let broken: Vec<&str> = shown.lines().filter(|line| is_breakable(line, width)).collect();
    assert!(broken.is_empty(), "{what} at {width}:\n{}\n\nof\n{shown}", broken.join("\n"));
}

/// The same text with the codes for colour taken out; none other may be in it.
fn uncolored(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.strip_prefix('[').and_then(|code| code.split_once('m'));
        let (code, rest) = rest.unwrap_or_else(|| panic!("no code for colour: {part:?}"));
        assert!(code.chars().all(|c| c.is_ascii_digit() || c == ';'), "{code:?}");
        out.push_str(rest);
    }
    out
}

fn term(width: usize) -> Term {
    let progress = crate::report::Progress::Plain;
    Term { width, color: false, unicode: true, silence: Some("there is no terminal"), progress, runner: false }
}

/// What a command prints at a terminal like this.
fn said(term: Term, run: impl FnOnce(&Desk)) -> String {
    let mut desk = Desk::new(Shape::Human);
    desk.app.reporter.term = term;
    run(&desk);
    desk.out.text() + &desk.err.text()
}

/// What all looking commands and a whole release print.
fn screens(term: Term) -> Vec<(&'static str, String)> {
    let status = |desk: &Desk| {
        desk.promote("prod --yes").unwrap();
        let (located, session) = (desk.locate("prod"), desk.session());
        let found = super::status::look(&desk.app, &located, &session).now_or_never().unwrap().unwrap();
        desk.app.reporter.data(&status_text::screen(&found, desk.app.term().width));
    };
    let released = |desk: &Desk| {
        desk.promote("prod --yes").unwrap();
        desk.rollback("pets:live --yes").unwrap();
    };
    let refused = |desk: &Desk| desk.app.warn(&desk.promote("prod").unwrap_err());
    let compared = |desk: &Desk| {
        beside(desk);
        diff(desk, "a1b2c3d4e5/dev prod").unwrap();
    };
    vec![
        ("promote and rollback", said(term, released)),
        ("refusal", said(term, refused)),
        ("drift", said(term, |desk| drop(drift(desk, "").unwrap()))),
        ("doctor", said(term, |desk| drop(doctor(desk, &format!("{URL} --method post")).unwrap()))),
        ("diff", said(term, compared)),
        ("permission list", said(term, |desk| drop(desk.permission("list prod").unwrap()))),
        ("gc", said(term, |desk| drop(desk.gc("prod --keep 1").unwrap()))),
        ("status", said(term, status)),
    ]
}

#[test]
fn every_screen_of_the_commands_fits_every_width() {
    for width in widths() {
        for (what, shown) in screens(term(width)) {
            assert_fits(what, &shown, width);
        }
    }
}

#[test]
fn an_old_terminal_gets_ascii_of_every_screen() {
    for width in [40, 60, 88] {
        for (what, shown) in screens(Term { unicode: false, ..term(width) }) {
            assert!(shown.is_ascii(), "{what}: {shown}");
        }
    }
}

#[test]
fn colour_is_nothing_but_colour_on_every_screen() {
    for (what, shown) in screens(Term { color: true, ..term(88) }) {
        assert_fits(what, &uncolored(&shown), 88);
    }
}

#[test]
fn the_demo_its_panels_and_its_plan_fit_every_width() {
    let (account, arn) = ("123456789012".to_owned(), "arn:aws:iam::123456789012:user/dana".to_owned());
    let caller = plan_text::Caller { identity: Identity { account, arn }, lasts_s: Some(3_600), endpoint: None };
    for width in widths().filter(|width| width % 32 == 8 || *width < 50) {
        for (regress, canary) in [
            (None, CanaryMode::Alias),
            (Some(Regression::Errors), CanaryMode::Stage),
            (Some(Regression::Permission), CanaryMode::Alias),
        ] {
            let options = DemoOptions { regress, canary, width, ..DemoOptions::default() };
            let report = demo::run(&options, &Silent).now_or_never().expect("virtual time never waits").unwrap();
            let shown = demo::text::report(&report);
            assert_fits("demo", &shown, width);
            assert!(text::ascii(&shown).is_ascii());
            assert_fits("plan", &plan_text::screen(&report.plan, &caller, width), width);
        }
    }
}

/// A sample of every code: its own title and explanation, a command, and for those of the file a place in it.
fn sample(code: Code) -> Problem {
    let problem = Problem::new(code, code.title())
        .why(code.explanation())
        .fix(format!("more: stagegate explain {code}"))
        .fix("or let somebody look who knows the account, the region and what was deployed there lately");
    if !code.short().starts_with('K') {
        return problem;
    }
    let source =
        "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\nalias = \"a name that is not allowed here\"\n";
    let start = source.find("\"a name").unwrap();
    problem.at(Span::of("stagegate.toml", source, start..start + 33, "use letters, digits, - and _"))
}

#[test]
fn every_message_of_the_catalogue_at_two_widths_with_colour_and_without() {
    let all = |term: Term| -> String {
        Code::ALL.iter().map(|code| term.fit(&text::problem(&sample(*code), &term)) + "\n").collect()
    };
    let plain = all(term(88));
    insta::assert_snapshot!("catalogue_88", plain);
    insta::assert_snapshot!("catalogue_60_ascii", all(Term { unicode: false, ..term(60) }));
    let colored = all(Term { color: true, ..term(88) });
    assert_eq!(uncolored(&colored), plain);
    assert_eq!(colored.matches('\u{1b}').count(), 2 * Code::ALL.len());
}

#[test]
fn every_message_fits_every_width() {
    for width in widths() {
        for code in Code::ALL {
            let term = term(width);
            assert_fits("message", &text::problem(&sample(*code), &term), width);
            let ascii = Term { unicode: false, ..term };
            assert!(ascii.fit(&text::problem(&sample(*code), &ascii)).is_ascii(), "{code}");
        }
    }
}
