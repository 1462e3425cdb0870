//! Durations of many invocations, each rounded to a place on a fixed scale: statistics over them are exact.

use std::cmp::Ordering;
use std::sync::LazyLock;

/// Width of a place: 1 % of the duration.
const STEP: f64 = 0.01;
/// Logarithm of the shortest duration, 0.01 ms.
const SHORTEST: f64 = -4.605_170_185_988_091;
/// The last place, beyond 15 minutes.
const LAST: f64 = 2000.0;

/// The place of a duration, given the logarithm of its milliseconds.
pub(in super::super) fn place(ln_ms: f64) -> u16 {
    ((ln_ms - SHORTEST) / STEP).round().clamp(0.0, LAST) as u16
}

/// The logarithm of the longest duration that belongs to a place.
pub(in super::super) fn upper_edge(place: u16) -> f64 {
    SHORTEST + (f64::from(place) + 0.5) * STEP
}

/// The duration that a place stands for, milliseconds, in hundredths as Lambda reports it.
pub(in super::super) fn milliseconds(place: u16) -> f64 {
    static ALL: LazyLock<Vec<f64>> = LazyLock::new(|| (0..=LAST as u16).map(computed).collect());
    ALL.get(usize::from(place)).copied().unwrap_or_else(|| computed(place))
}

fn computed(place: u16) -> f64 {
    ((SHORTEST + f64::from(place) * STEP).exp() * 100.0).round() / 100.0
}

/// How many invocations took how long, shortest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Durations(Vec<(u16, u64)>);

impl Durations {
    /// All the same.
    pub(in super::super) fn same(place: u16, count: u64) -> Self {
        Self(if count == 0 { Vec::new() } else { vec![(place, count)] })
    }

    /// `n` of so many milliseconds.
    pub(in super::super) fn of_ms(ms: f64, count: u64) -> Self {
        Self::same(place(ms.max(0.01).ln()), count)
    }

    /// Counts of consecutive places.
    pub(in super::super) fn from_counts(first: u16, counts: &[u64]) -> Self {
        Self((first..).zip(counts).filter(|(_, count)| **count > 0).map(|(place, count)| (place, *count)).collect())
    }

    /// Takes in others.
    pub(in super::super) fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
        } else if !other.0.is_empty() {
            self.0 = merged(&self.0, &other.0);
        }
    }

    /// The sum of many.
    pub(in super::super) fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        parts.for_each(|part| all.add(part));
        all
    }

    /// Splits every count in two; `part` says how many of a place's count go to the first.
    pub(in super::super) fn split(&self, mut part: impl FnMut(u64) -> u64) -> (Self, Self) {
        let taken: Vec<(u16, u64)> = self.0.iter().map(|(place, count)| (*place, part(*count))).collect();
        let rest = self.0.iter().zip(&taken).map(|((place, count), (_, taken))| (*place, count - taken));
        let rest = rest.filter(|(_, count)| *count > 0).collect();
        (Self(taken.into_iter().filter(|(_, count)| *count > 0).collect()), Self(rest))
    }

    /// Duration in milliseconds and count, shortest first.
    pub(in super::super) fn values(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.0.iter().map(|(place, count)| (milliseconds(*place), *count))
    }
}

/// Two lists in one, places ascending.
fn merged(one: &[(u16, u64)], other: &[(u16, u64)]) -> Vec<(u16, u64)> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let (mut a, mut b) = (one.iter().copied().peekable(), other.iter().copied().peekable());
    while let (Some((left, n)), Some((right, m))) = (a.peek().copied(), b.peek().copied()) {
        match left.cmp(&right) {
            Ordering::Less => all.extend(a.next()),
            Ordering::Greater => all.extend(b.next()),
            Ordering::Equal => {
                all.push((left, n + m));
                a.next();
                b.next();
            }
        }
    }
    all.extend(a);
    all.extend(b);
    all
}
