//! A recorded rollout, judged again, as text.

use super::text::field;
use crate::gate::Judgement;
use crate::gate::replay::Tick;

/// A table of the ticks, and what differs from the recorded settings' decisions.
pub fn replay(ticks: &[Tick], width: usize) -> String {
    let Some(last) = ticks.last() else { return "the recording holds no tick\n".to_owned() };
    let mut text = format!(
        "{:>4} {:>7}  {:<12} {:<22} {:>9} {:>9} {:>9} {:>9}  {}\n",
        "min", "weight", "verdict", "reason", "worse", "limit", "missing", "proof", "recorded"
    );
    for tick in ticks {
        text.push_str(&row(tick));
    }
    text.push_str("\nEvidence is in powers of e: 4.8 is 1:125.\n\n");
    let different: Vec<&Tick> = ticks.iter().filter(|tick| tick.differs()).collect();
    if different.is_empty() {
        text.push_str(&field("same      ", "every tick is decided as with the recorded settings", width));
    }
    for tick in &different {
        text.push_str(&field(&format!("min {:<5} ", tick.now), &difference(tick), width));
    }
    text.push_str(&field("at the end  ", &decided(&last.judged), width));
    text
}

fn row(tick: &Tick) -> String {
    let Judgement { decision, reason, log_m, log_slo, log_srm, log_n, .. } = &tick.judged;
    let weight = format!("{} %", (tick.weight * 10_000.0).round() / 100.0);
    let recorded = if tick.differs() { format!("! {}", tick.recorded.decision) } else { "=".to_owned() };
    let (now, reason) = (tick.now, reason.to_string());
    let logs =
        [log_m, log_slo, log_srm, log_n].map(|log| format!("{:9.3}", if log.abs() < 0.0005 { 0.0 } else { *log }));
    format!("{now:>4} {weight:>7}  {decision:<12} {reason:<22} {}  {recorded}\n", logs.join(" "))
}

fn difference(tick: &Tick) -> String {
    format!("{} instead of {}: {}", tick.judged.decision, tick.recorded.decision, tick.judged.sentence)
}

fn decided(judgement: &Judgement) -> String {
    format!("{} ({}): {}", judgement.decision, judgement.verdict(), judgement.sentence)
}
