//! The sections of the page, except those about the gate.

use jiff::Timestamp;

use super::Page;
use super::chart::{Chart, Event, Look, Series};
use super::html::{badge, code, esc, folded, section, table};
use super::story::{Answer, Kind, Share, Story, WriteRow};
use crate::gate::Verdict;
use crate::journal::Ending;
use crate::model::{CanaryMode, Percent};
use crate::report::status_text::{Status, screen};
use crate::report::text::seconds;
use crate::step::StepKind;

/// As `2026-11-21 14:02:07`.
pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// As `14:02:07`, and with its day where the release takes more than one.
pub(super) fn time(story: &Story, at: Timestamp) -> String {
    let is_long = story.last.duration_since(story.began).as_hours() >= 24;
    at.strftime(if is_long { "%d %b %H:%M:%S" } else { "%H:%M:%S" }).to_string()
}

/// How a release ended: tone, symbol, words.
const fn ended(kind: Kind, ending: Option<Ending>) -> (&'static str, &'static str, &'static str) {
    match (kind, ending) {
        (_, Some(Ending::Promoted)) => ("good", "✔", "promoted"),
        (Kind::Release, Some(Ending::RolledBack)) => ("bad", "↩", "rolled back"),
        (Kind::Rollback, Some(Ending::RolledBack)) => ("good", "↩", "rolled back, as asked"),
        (Kind::Redeploy, Some(Ending::RolledBack)) => ("bad", "↩", "taken back"),
        (_, Some(Ending::Unchanged)) => ("plain", "=", "nothing to do"),
        (_, Some(Ending::Stopped)) => ("plain", "·", "stopped before anything was changed"),
        (_, Some(Ending::NeedsPerson)) => ("bad", "✖", "a person must look"),
        (_, Some(Ending::ByHand)) => ("bad", "!", "given all traffic by hand"),
        (_, Some(Ending::Elsewhere)) => ("plain", "·", "ended on another machine"),
        (_, None) => ("wait", "…", "under way"),
    }
}

/// The headline.
pub(super) fn title(story: &Story) -> String {
    let what = match story.kind {
        Kind::Release => format!("Release of {}", story.label()),
        Kind::Rollback => format!("Rollback of {}", names(story)),
        Kind::Redeploy => format!("Redeploy of {}", names(story)),
    };
    format!("{what}: {}", ended(story.kind, story.ending).2)
}

fn names(story: &Story) -> String {
    let names: Vec<&str> = story.moved.iter().map(|moved| moved.resource.as_str()).collect();
    match names.as_slice() {
        [] => story.run.to_string(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// Columns of what `status` says.
const COLUMNS: usize = 88;

pub(super) fn header(page: &Page<'_>, title: &str) -> String {
    let sub = page.story.map_or_else(
        || page.target.clone(),
        |story| format!("{} · {} to {} UTC", story.run, date(story.began), date(story.last)),
    );
    format!("<header>\n<h1>{}</h1>\n<p class=\"sub\">{}</p>\n</header>\n", esc(title), esc(&sub))
}

pub(super) fn footer(page: &Page<'_>) -> String {
    let source = if page.story.is_some() { "the journal of this release" } else { "what AWS says" };
    format!(
        "<footer><p>Made by stagegate {} at {} UTC from {source}. All times are UTC. The page loads nothing and runs \
         nothing.</p></footer>\n",
        env!("CARGO_PKG_VERSION"),
        date(page.at)
    )
}

/// How it ended, what it was, what can be done.
pub(super) fn outcome(page: &Page<'_>) -> String {
    let mut body = String::new();
    if let Some(story) = page.story {
        let (tone, symbol, word) = ended(story.kind, story.ending);
        body += &format!("<p class=\"lead\">{} {}</p>\n", badge(tone, symbol, word), esc(&sentence(story)));
        body += &facts(story);
    }
    for (word, text) in &page.remarks {
        body += &format!("<p class=\"remark\">{} {}</p>\n", badge("wait", "!", word), esc(text));
    }
    if !page.commands.is_empty() {
        body += "<h3>What can be done</h3>\n<ul class=\"commands\">\n";
        for (what, command) in &page.commands {
            body += &format!("<li><span>{}</span> {}</li>\n", esc(what), code(command));
        }
        body += "</ul>\n";
    }
    section("outcome", "How it ended", body)
}

fn sentence(story: &Story) -> String {
    let proof = story.judged.looks.last().filter(|looks| looks.verdict == Verdict::Fail);
    let proof = proof.map_or_else(String::new, |looks| format!(": {}", looks.sentence));
    let back = |(at, why): &(Timestamp, String)| format!("{why}{proof}. It went back from {} on.", time(story, *at));
    let why = story.back.as_ref().map(back);
    match (&why, story.ending) {
        (Some(why), _) => why.clone(),
        (None, None) => {
            let share = story.shares.last().map_or(0.0, |last| last.share);
            let now = Percent::of_share(share);
            format!(
                "By the last line of its journal ({}) the new version had {now} of the traffic.",
                time(story, story.last)
            )
        }
        (None, Some(_)) => {
            let moved: Vec<String> =
                story.moved.iter().take(4).map(|m| format!("{}: {}", m.resource, m.after)).collect();
            let more = story.moved.len().saturating_sub(4);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("{}{more}", moved.join("; "))
        }
    }
}

fn facts(story: &Story) -> String {
    let mut facts: Vec<(&str, String)> = vec![("id", code(&story.run.to_string()))];
    let lasted = u64::try_from(story.last.duration_since(story.began).as_secs()).unwrap_or_default();
    facts.push(("began", esc(&format!("{} UTC", date(story.began)))));
    let until = if story.ending.is_some() { "took" } else { "so far" };
    facts.push((until, esc(&seconds(lasted))));
    if let Some(plan) = &story.plan {
        facts.push(("account", format!("{} · {}", code(&plan.account), esc(&plan.region))));
        facts.push(("functions", plan.members.len().to_string()));
        if let Some(canary) = &plan.canary {
            let by = if canary.mode == CanaryMode::Stage { "the canary of the stage" } else { "weights of the alias" };
            facts.push(("canary", esc(&format!("{} · by {by}", plan.target.canary))));
            let reason = canary.override_gate.as_ref();
            facts.extend(reason.map(|reason| ("gate", esc(&format!("only advises in this release: {reason}")))));
        } else {
            facts.push(("canary", "none: all traffic moves at once".to_owned()));
        }
    }
    if story.taken_up {
        let text = "taken up on this machine from the records in AWS; what was before is not in this journal";
        facts.push(("journal", text.to_owned()));
    }
    let rows: String = facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")).collect();
    format!("<dl>\n{rows}</dl>\n")
}

/// What AWS is at this moment, as `status` says it.
pub(super) fn now(live: &Status, at: Timestamp) -> String {
    let caption = format!("As read from AWS ({}) at {} UTC.", live.region, date(at));
    let mut body = format!("<p>{}</p>\n<pre>{}</pre>\n", esc(&caption), esc(&screen(live, COLUMNS)));
    let described = live.aliases.iter().filter(|alias| !alias.description.is_empty());
    body.extend(described.map(|one| format!("<p>{}: {}</p>\n", code(&one.alias), esc(&one.description))));
    section("now", "What AWS is now", body)
}

/// Routing before, as wanted, and after.
pub(super) fn moved(story: &Story) -> Option<String> {
    let row = |m: &super::story::Moved| vec![code(&m.resource), esc(&m.before), esc(&m.wanted), esc(&m.after)];
    let rows: Vec<Vec<String>> = story.moved.iter().map(row).collect();
    let head = ["resource", "before", "as planned", "at the end"];
    let shown = table("Every alias and stage that it was about", &head, &rows);
    (!rows.is_empty()).then(|| section("routing", "Routing before and after", shown))
}

/// The share of the candidate over time.
pub(super) fn traffic(story: &Story) -> Option<String> {
    story.canary()?;
    let first = story.shares.first()?;
    let mut points: Vec<(Timestamp, Option<f64>)> = Vec::new();
    if first.share > 0.0 {
        points.push((first.at, Some(0.0)));
    }
    points.extend(story.shares.iter().map(|share| (share.at, Some(share.share * 100.0))));
    let mut events = Vec::new();
    events.extend(story.back.iter().map(|(at, _)| Event { at: *at, name: "↩ goes back".into() }));
    if story.ending == Some(Ending::Promoted) {
        let whole = story.shares.iter().find(|share| share.share >= 1.0);
        events.extend(whole.map(|share| Event { at: share.at, name: "✔ promoted".into() }));
    }
    let steps: Vec<String> = story
        .shares
        .iter()
        .map(|Share { at, share }| format!("{} from {}", Percent::of_share(*share), time(story, *at)))
        .collect();
    let chart = Chart {
        id: "traffic".into(),
        title: "Share of the traffic that the new version had".into(),
        says: format!("The share of the new version over time: {}.", steps.join(", ")),
        from: story.began,
        to: story.last,
        least_top: 100.0,
        unit: "%",
        series: vec![Series { name: "new version".into(), look: Look::Share, points }],
        bounds: Vec::new(),
        events,
    };
    let rows: Vec<Vec<String>> = story
        .shares
        .iter()
        .map(|share| vec![time(story, share.at), Percent::of_share(share.share).to_string()])
        .collect();
    let rows = table("When the share changed, as read back", &["time", "#share"], &rows);
    let functions = story.plan.as_ref().map_or(0, |plan| plan.members.len());
    let more = if functions > 1 && story.canary() == Some(CanaryMode::Alias) {
        "<p class=\"sub\">Of several functions the one that was furthest.</p>\n"
    } else {
        ""
    };
    Some(section("traffic-h", "Traffic", format!("{}{more}{}", chart.render(), folded("The same as a table", rows))))
}

/// Every write with its answer.
pub(super) fn writes(story: &Story) -> String {
    if story.writes.is_empty() {
        return section("writes", "Every write to AWS", "<p>None.</p>\n");
    }
    let row = |write: &WriteRow| {
        let step = match (write.step, story.kind) {
            (Some(step), _) => step.to_string(),
            (None, _) => "way back".to_owned(),
        };
        let answer = match write.answer {
            Answer::Done => badge("good", "✔", "done"),
            Answer::Failed => badge("bad", "✖", "not done"),
            Answer::Unknown => badge("wait", "?", "no answer kept"),
        };
        let again = if write.attempt > 1 { format!(" (attempt {})", write.attempt) } else { String::new() };
        vec![
            time(story, write.at),
            esc(&step),
            code(&write.api),
            esc(&write.resource),
            answer,
            esc(&format!("{}{again}", write.result)),
        ]
    };
    let rows: Vec<Vec<String>> = story.writes.iter().map(row).collect();
    let invoked = story.writes.iter().any(|write| write.step == Some(StepKind::Smoke));
    let caption = format!(
        "{} call{} that change{} something{}, in the order of {} answers",
        rows.len(),
        if rows.len() == 1 { "" } else { "s" },
        if rows.len() == 1 { "s" } else { "" },
        if invoked { ", and invocations of smoke checks" } else { "" },
        if rows.len() == 1 { "its" } else { "their" }
    );
    let shown = table(&caption, &["time", "step", "operation", "resource", "answer", "result"], &rows);
    section("writes", "Every write to AWS", shown)
}

/// What the plan said beside its steps.
pub(super) fn notices(story: &Story) -> Option<String> {
    let plan = story.plan.as_ref().filter(|plan| !plan.notices.is_empty())?;
    let row = |notice: &crate::plan::Notice| vec![code(&notice.code.to_string()), esc(&notice.text)];
    let rows: Vec<Vec<String>> = plan.notices.iter().map(row).collect();
    Some(section("notices", "What the plan said beforehand", table("Notes of the plan", &["code", "note"], &rows)))
}

/// For the section of the gate.
pub(super) fn looks_of(story: &Story) -> usize {
    story.judged.looks.iter().map(|looks| looks.count as usize).sum()
}
