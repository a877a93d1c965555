//! What a route asks of requests, as far as two routes are compared by it.
//!
//! A demand is a text, and two demands are the same when their texts are. So this module need not know what a demand means;
//! the config's reader writes one for each requirement of a request.

/// What a route requires before a request reaches its target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Guard {
    /// Whether the path goes to someone who may take it for another: who ignores letter case or a last slash, for example.
    pub read_loosely: bool,
    /// Each demand with a number that a stricter one has less of.
    demands: Vec<(String, usize)>,
}

impl Guard {
    /// Begins with no demand.
    #[must_use]
    pub fn new(read_loosely: bool) -> Self {
        Self { read_loosely, demands: Vec::new() }
    }

    /// Adds a demand that a request meets or not: what it is about, and what it is.
    pub fn demand(&mut self, about: &str, what: &str) {
        self.demands.push(([about, " ", what].concat(), 0));
    }

    /// Adds a demand for at most so much of something.
    pub fn limit(&mut self, about: &str, at_most: usize) {
        self.demands.push((about.to_owned(), at_most));
    }

    /// Checks whether it has a demand that the other has not, or has less strictly.
    #[must_use]
    pub fn asks_more_than(&self, other: &Self) -> bool {
        !self.demands.iter().all(|demand| other.meets(demand))
    }

    /// Returns it without the demands about these things.
    #[must_use]
    pub fn without(&self, things: &[&str]) -> Self {
        let is_about = |text: &str| things.contains(&text.split(' ').next().unwrap_or_default());
        let demands = self.demands.iter().filter(|(text, _)| !is_about(text)).cloned().collect();
        Self { demands, ..*self }
    }

    fn meets(&self, (text, at_most): &(String, usize)) -> bool {
        self.demands.iter().any(|(own, most)| own == text && most <= at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(demands: &[(&str, usize)]) -> Guard {
        Guard { demands: demands.iter().map(|(text, most)| ((*text).to_owned(), *most)).collect(), ..Guard::default() }
    }

    #[test]
    fn a_guard_asks_more_than_another_by_what_the_other_lacks() {
        let table = [
            (guard(&[]), guard(&[]), false, "nothing"),
            (guard(&[]), guard(&[("auth", 0)]), false, "less"),
            (guard(&[("auth", 0)]), guard(&[]), true, "something"),
            (guard(&[("auth", 0)]), guard(&[("auth", 0)]), false, "the same"),
            (guard(&[("scope a", 0)]), guard(&[("scope b", 0)]), true, "something else"),
            (guard(&[("a", 0), ("b", 0)]), guard(&[("b", 0), ("a", 0)]), false, "the same in another order"),
            (guard(&[("a", 0), ("b", 0)]), guard(&[("a", 0)]), true, "one more"),
            (guard(&[("bytes", 10)]), guard(&[("bytes", 100)]), true, "a lower limit"),
            (guard(&[("bytes", 100)]), guard(&[("bytes", 10)]), false, "a higher limit"),
            (guard(&[("bytes", 100)]), guard(&[]), true, "a limit where there is none"),
        ];
        for (one, other, expected, message) in table {
            assert_eq!(one.asks_more_than(&other), expected, "{message}");
        }
    }

    #[test]
    fn a_guard_without_some_things_has_the_others_and_is_read_as_before() {
        let mut whole = Guard::new(true);
        whole.demand("cors", "a");
        whole.demand("scope", "b");
        whole.limit("bytes", 9);
        let mut rest = Guard::new(true);
        rest.demand("scope", "b");
        rest.limit("bytes", 9);
        assert_eq!(whole.without(&["cors"]), rest);
        assert_eq!(rest.without(&["cor", "b"]), rest, "by their whole names");
    }
}
