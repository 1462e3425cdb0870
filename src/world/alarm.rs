//! CloudWatch alarms: set by hand, or evaluated every minute from the metrics as they were public then
//! (aws-semantics §8.3).

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::account::Account;
use super::metrics::store::{minute_of, start_of};
use crate::aws::AwsError;
use crate::aws::noun::{AlarmState, AlarmValue, MetricQuery};

/// The most names that a call may ask for (aws-semantics §8.3).
const NAMES: usize = 100;

/// An alarm, metric or composite: how they differ does not show in what `DescribeAlarms` is read for.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    state: AlarmState,
    /// Evaluated by itself, up to and with this minute.
    rule: Option<(Threshold, i64)>,
}

/// When a metric alarm goes off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// Series, statistic and period.
    pub query: MetricQuery,
    /// How many periods are looked at, from 1.
    pub evaluation_periods: u32,
    /// How many of them must breach, from 1 to `evaluation_periods`.
    pub datapoints: u32,
    /// What breaches.
    pub breach: Breach,
    /// What a period without data counts as.
    pub missing: Missing,
}

/// What breaches, the threshold in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// More than.
    Above(i64),
    /// As much or more.
    AtLeast(i64),
    /// Less than.
    Below(i64),
    /// As much or less.
    AtMost(i64),
}

/// What a period without data counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// As nothing: the present periods decide, INSUFFICIENT_DATA without any.
    #[default]
    Missing,
    /// As nothing, and without enough periods the state stays.
    Ignore,
    /// As a breach.
    Breaching,
    /// As none.
    NotBreaching,
}

impl Breach {
    fn is(self, value: f64) -> bool {
        let of = |thousandths: i64| thousandths as f64 / 1000.0;
        match self {
            Self::Above(t) => value > of(t),
            Self::AtLeast(t) => value >= of(t),
            Self::Below(t) => value < of(t),
            Self::AtMost(t) => value <= of(t),
        }
    }
}

impl Threshold {
    /// What the periods before a minute say; `None` leaves the state as it is.
    fn judge(&self, account: &Account, minute: i64) -> Option<AlarmValue> {
        let period = i64::from(self.query.period_s / 60).max(1);
        let periods = i64::from(self.evaluation_periods.max(1));
        let points = account.points(&self.query, minute - period * periods, minute, start_of(minute));
        let breaching = points.values().filter(|value| self.breach.is(**value)).count();
        let absent = usize::try_from(periods).unwrap_or(usize::MAX).saturating_sub(points.len());
        let needed = usize::try_from(self.datapoints.max(1)).unwrap_or(usize::MAX);
        let value = |alarm| Some(if alarm { AlarmValue::Alarm } else { AlarmValue::Ok });
        match self.missing {
            Missing::Missing if points.is_empty() => Some(AlarmValue::InsufficientData),
            Missing::Ignore if points.len() < needed => None,
            Missing::Missing | Missing::Ignore => value(breaching >= needed.min(points.len())),
            Missing::Breaching => value(breaching + absent >= needed),
            Missing::NotBreaching => value(breaching >= needed),
        }
    }
}

impl Account {
    /// Sets an alarm, metric or composite, to a state since a time. It stays so until it is set again.
    pub fn put_alarm(&mut self, name: &str, value: AlarmValue, since: Timestamp, reason: &str) {
        let (name, reason) = (name.to_owned(), Some(reason.to_owned()));
        self.put_alarm_state(AlarmState { name, value, reason, since: Some(since), evaluation: None });
    }

    /// Sets an alarm to anything that `DescribeAlarms` can answer.
    pub fn put_alarm_state(&mut self, state: AlarmState) {
        self.alarms.insert(state.name.clone(), Alarm { state, rule: None });
    }

    /// Creates a metric alarm that is evaluated every minute from now on; INSUFFICIENT_DATA until then.
    pub fn put_threshold_alarm(&mut self, name: &str, threshold: Threshold) {
        let state = AlarmState {
            name: name.to_owned(),
            value: AlarmValue::InsufficientData,
            reason: Some("Unchecked: Initial alarm creation".into()),
            since: Some(self.now()),
            evaluation: None,
        };
        let rule = Some((threshold, minute_of(self.now())));
        self.alarms.insert(name.to_owned(), Alarm { state, rule });
    }

    /// Deletes an alarm.
    pub fn delete_alarm(&mut self, name: &str) {
        self.alarms.remove(name);
    }

    pub(super) fn describe_alarms(&mut self, names: &[String]) -> Result<Vec<AlarmState>, AwsError> {
        if names.len() > NAMES {
            let text = format!("AlarmNames must have length less than or equal to {NAMES}");
            return Err(AwsError::rejected(400, "ValidationError", text));
        }
        let asked: BTreeSet<&String> = names.iter().collect();
        for name in &asked {
            self.evaluate_alarm(name);
        }
        Ok(asked.into_iter().filter_map(|name| self.alarms.get(name)).map(|alarm| alarm.state.clone()).collect())
    }

    /// Evaluates an alarm minute by minute up to now.
    fn evaluate_alarm(&mut self, name: &str) {
        let Some(Alarm { mut state, rule: Some((threshold, done)) }) = self.alarms.get(name).cloned() else { return };
        let now = minute_of(self.now());
        for minute in done + 1..=now {
            let Some(value) = threshold.judge(self, minute).filter(|value| *value != state.value) else { continue };
            state.value = value;
            state.since = Some(start_of(minute));
            let query = &threshold.query;
            state.reason = Some(format!("Threshold Crossed: {} {} is now {value:?}", query.stat, query.metric));
        }
        self.alarms.insert(name.to_owned(), Alarm { state, rule: Some((threshold, now.max(done))) });
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::{Load, Outage};
    use super::super::metrics::tests::lambda;
    use super::super::tests::{SECOND, ask, live, pets, refusal, world};
    use super::super::{Fault, World};
    use super::*;
    use crate::aws::operation as op;

    fn describe(world: &World, names: &[&str]) -> Vec<AlarmState> {
        ask(world, op::DescribeAlarms { names: names.iter().map(|name| (*name).to_owned()).collect() }).unwrap()
    }

    fn threshold(missing: Missing) -> Threshold {
        let query = lambda("Errors", &[("Resource", "pets:live")], "Average");
        Threshold { query, evaluation_periods: 3, datapoints: 2, breach: Breach::Above(100), missing }
    }

    #[test]
    fn alarms_say_what_they_were_set_to_and_missing_names_are_left_out() {
        let world = world();
        let since = world.look(Account::now);
        world.edit(|account| account.put_alarm("orders-5xx", AlarmValue::Alarm, since, "Threshold Crossed"));
        let seen = describe(&world, &["gone", "orders-5xx", "orders-5xx"]);
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].value, seen[0].since), (AlarmValue::Alarm, Some(since)));
        world.edit(|account| account.delete_alarm("orders-5xx"));
        assert_eq!(describe(&world, &["orders-5xx"]), []);
        world.reset_count();
        world.inject(0, Fault::denied());
        assert_eq!(refusal(ask(&world, op::DescribeAlarms { names: vec![] })).0, 403);
        let names = (0..101).map(|n| n.to_string()).collect();
        assert_eq!(refusal(ask(&world, op::DescribeAlarms { names })).0, 400);
    }

    #[test]
    fn a_threshold_alarm_goes_off_when_its_metric_does_and_knows_since_when() {
        let world = world();
        world.clock().advance(600 * SECOND);
        world.edit(|account| account.put_threshold_alarm("errors", threshold(Missing::Missing)));
        assert_eq!(describe(&world, &["errors"])[0].value, AlarmValue::InsufficientData);
        let outages = vec![Outage::new(10, 5, 0.5)];
        world.set_load(Load { history_minutes: 0, outages, ..Load::to_alias(1, &pets(), &live(), 10.0) });
        let mut states = Vec::new();
        for _ in 0..20 {
            world.clock().advance(60 * SECOND);
            states.push(describe(&world.fork(), &["errors"])[0].clone());
        }
        let at = |minute: i64| Some(start_of(10 + minute));
        assert_eq!((states[0].value, states[0].since), (AlarmValue::Ok, at(1)));
        assert_eq!(states[10].value, AlarmValue::Ok, "one bad minute of three");
        assert_eq!((states[11].value, states[11].since), (AlarmValue::Alarm, at(12)));
        assert_eq!((states[19].value, states[19].since), (AlarmValue::Ok, at(17)));
        assert_eq!(describe(&world, &["errors"])[0], states[19], "asking late tells the same");
    }

    #[test]
    fn without_data_an_alarm_does_as_it_was_told() {
        for (missing, value) in [
            (Missing::Missing, AlarmValue::InsufficientData),
            (Missing::Ignore, AlarmValue::InsufficientData),
            (Missing::Breaching, AlarmValue::Alarm),
            (Missing::NotBreaching, AlarmValue::Ok),
        ] {
            let world = world();
            world.edit(|account| account.put_threshold_alarm("errors", threshold(missing)));
            world.clock().advance(300 * SECOND);
            assert_eq!(describe(&world, &["errors"])[0].value, value, "{missing:?}");
        }
    }
}
