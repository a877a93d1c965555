//! Variables by name.

use std::collections::HashMap;

/// Variables by name, in the order in which wrangler expands them.
#[derive(Default)]
pub struct Variables {
    /// The names, each at its first place.
    names: Vec<String>,
    values: HashMap<String, String>,
}

impl Variables {
    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets a value; of two for one name the last counts.
    pub fn set(&mut self, name: &str, value: String) {
        if self.values.insert(name.to_owned(), value).is_none() {
            self.names.push(name.to_owned());
        }
    }

    /// Yields them in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().filter_map(|name| Some((name.as_str(), self.get(name)?)))
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut variables = Self::default();
        for (name, value) in pairs {
            variables.set(&name, value);
        }
        variables
    }
}
