//! CloudWatch's statistics over samples (judge §2.5).

/// A statistic as a query or an alarm names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statistic {
    Sum,
    SampleCount,
    Average,
    Minimum,
    Maximum,
    /// `p99`: percent.
    Percentile(f64),
    /// `TC(a:b)`: how many samples lie in the range, its lower bound exclusive, its upper inclusive.
    TrimmedCount(f64, f64),
    /// `PR(a:b)`: percent of the samples that lie in the range.
    PercentileRank(f64, f64),
}

impl Statistic {
    /// Reads a statistic's name; `None` for one that is not modelled.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let simple = match text {
            "Sum" => Some(Self::Sum),
            "SampleCount" => Some(Self::SampleCount),
            "Average" => Some(Self::Average),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            _ => None,
        };
        let percentile = || {
            let percent: f64 = text.strip_prefix('p')?.parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent))
        };
        let range = |name: &str| bounds(text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?);
        simple
            .or_else(percentile)
            .or_else(|| range("TC").map(|(low, high)| Self::TrimmedCount(low, high)))
            .or_else(|| range("PR").map(|(low, high)| Self::PercentileRank(low, high)))
    }

    /// Its value over values and their counts, least value first; `None` without samples.
    pub(super) fn of(self, samples: &[(f64, u64)]) -> Option<f64> {
        let count: u64 = samples.iter().map(|(_, count)| count).sum();
        if count == 0 {
            return None;
        }
        let sum = || samples.iter().map(|(value, count)| value * *count as f64).sum::<f64>();
        let within = |low: f64, high: f64| {
            samples.iter().filter(|(value, _)| *value > low && *value <= high).map(|(_, count)| count).sum::<u64>()
                as f64
        };
        let mut present = samples.iter().filter(|(_, count)| *count > 0).map(|(value, _)| *value);
        match self {
            Self::Sum => Some(sum()),
            Self::SampleCount => Some(count as f64),
            Self::Average => Some(sum() / count as f64),
            Self::Minimum => present.next(),
            Self::Maximum => present.next_back(),
            Self::Percentile(percent) => nearest_rank(samples, (percent / 100.0 * count as f64).ceil().max(1.0)),
            Self::TrimmedCount(low, high) => Some(within(low, high)),
            Self::PercentileRank(low, high) => Some(100.0 * within(low, high) / count as f64),
        }
    }
}

/// The value that the sample of this rank, from 1, has.
fn nearest_rank(samples: &[(f64, u64)], rank: f64) -> Option<f64> {
    let mut seen = 0;
    let reached = |(_, count): &&(f64, u64)| {
        seen += count;
        seen as f64 >= rank
    };
    samples.iter().find(reached).or(samples.last()).map(|(value, _)| *value)
}

/// `a:b`, `a:` or `:b`.
fn bounds(text: &str) -> Option<(f64, f64)> {
    let (low, high) = text.split_once(':')?;
    let number = |text: &str, otherwise: f64| match text.trim() {
        "" => Some(otherwise),
        text => text.parse::<f64>().ok().filter(|value| value.is_finite()),
    };
    let bounds = (number(low, f64::NEG_INFINITY)?, number(high, f64::INFINITY)?);
    (bounds.0 < bounds.1 && text.trim() != ":").then_some(bounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(stat: &str) -> f64 {
        Statistic::parse(stat).unwrap().of(&[(10.0, 50), (20.0, 40), (30.0, 9), (400.0, 1)]).unwrap()
    }

    #[test]
    fn statistics_follow_their_definitions() {
        assert_eq!((value("Sum"), value("SampleCount"), value("Average")), (1970.0, 100.0, 19.7));
        assert_eq!((value("Minimum"), value("Maximum")), (10.0, 400.0));
        assert_eq!([value("p50"), value("p50.1"), value("p99"), value("p99.9")], [10.0, 20.0, 30.0, 400.0]);
        assert_eq!([value("TC(:20)"), value("TC(10:30)"), value("TC(20:)")], [90.0, 49.0, 10.0]);
        assert_eq!((value("PR(:19.99)"), value("PR(30:400)")), (50.0, 1.0));
    }

    #[test]
    fn what_is_not_a_statistic_is_refused() {
        for text in ["", "p", "p101", "TC", "TC()", "TC(:)", "TC(5:3)", "TC(10%:90%)", "Sums", "TM(10%:90%)"] {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }
}
