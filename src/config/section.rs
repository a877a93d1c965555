//! How the keys of an object are declared: once, for the reader and for people.

/// Declares the keys of an object, and the descriptions of it and of them.
///
/// First comes the object itself, or `entries` for keys that several objects share. Each key has: what the reader takes
/// (unless the key is declared elsewhere), what a change of it can expose, what it means, and what the schema and the reference say
/// besides. Last come entries that are made elsewhere.
macro_rules! section {
    (@ $name:ident: $described:ty = $head:expr; $(
        $key:ident $(: $shape:ident $(<$choice:ty>)? = $declared:expr)?, $change:expr, $about:expr
            $(, $method:ident($($argument:tt)*))*;
    )* $(..$shared:expr;)*) => {
        $($(
            pub(crate) const $key: $crate::config::key::Key<$crate::config::key::$shape $(<$choice>)?> = {
                use $crate::config::key::declare::*;
                $declared
            };
        )?)*

        /// Returns its description.
        #[cfg(not(target_os = "unknown"))]
        pub(crate) fn $name() -> $described {
            #[allow(unused_imports)]
            use $crate::config::{form::Form, grammar::*};
            #[allow(unused_mut)]
            let mut described = $head;
            $(
                let change = {
                    #[allow(unused_imports)]
                    use $crate::config::grammar::Change::*;
                    $change
                };
                described.extend([$key.entry(change, $about)$(.$method($($argument)*))*]);
            )*
            $(described.extend($shared);)*
            described
        }
    };
    (entries; $($keys:tt)*) => {
        $crate::config::section::section!(@ entries: Vec<$crate::config::grammar::Entry> = Vec::new(); $($keys)*);
    };
    ($head:expr; $($keys:tt)*) => {
        $crate::config::section::section!(@ section: $crate::config::grammar::Section = $head; $($keys)*);
    };
}

pub(crate) use section;
