//! Modules and the modules that they name, read from the tokens of their source. What is compiled for tests alone does not count, and
//! a module that stands in its parent's file is a part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A module, or what it holds, by the names that lead there from the crate's root.
pub type Names = Vec<String>;

/// The modules of a crate.
#[derive(Default)]
pub struct Modules {
    /// The paths that each module writes.
    paths: BTreeMap<Names, BTreeSet<Names>>,
    /// Where a name leads that a module passes on with `pub use`.
    exports: BTreeMap<Names, Names>,
    /// Whether a module that stands in its parent's file is taken as if it had its own.
    is_split: bool,
}

impl Modules {
    /// Reads a crate from the file of its root module.
    pub fn read(file: &Path) -> Self {
        let mut modules = Self::default();
        modules.read_file(file, file.parent().expect("a file is in a folder"), &[]);
        modules
    }

    /// Reads a crate from one text, each module as if it had its own file.
    pub fn of(source: &str) -> Self {
        Self::of_text(source, true)
    }

    /// Reads a crate that is one file.
    pub fn of_file(source: &str) -> Self {
        Self::of_text(source, false)
    }

    fn of_text(source: &str, is_split: bool) -> Self {
        let mut modules = Self { is_split, ..Self::default() };
        modules.read_module(source.parse().expect("the text is Rust"), Path::new(""), &[], &[]);
        modules
    }

    /// Returns the modules that each module names.
    pub fn named(&self) -> BTreeMap<Names, BTreeSet<Names>> {
        let others = |(module, paths): (&Names, &BTreeSet<Names>)| {
            let named = paths.iter().map(|path| self.module_of(path)).filter(|named| named != module).collect();
            (module.clone(), named)
        };
        self.paths.iter().map(others).collect()
    }

    /// Returns the module in which a path ends, past those that only pass a name on.
    fn module_of(&self, path: &[String]) -> Names {
        let mut prefixes = (0..=path.len()).rev().map(|length| &path[..length]);
        let module = prefixes.find(|prefix| self.paths.contains_key(*prefix)).expect("the root is a module");
        match path.get(..=module.len()).and_then(|name| self.exports.get(name)) {
            Some(target) => self.module_of(target),
            None => module.to_vec(),
        }
    }

    fn read_file(&mut self, file: &Path, children: &Path, module: &[String]) {
        let text = read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.read_module(tokens, children, module, module);
    }

    /// Reads a module, a part of `whole`, whose children's files are in a folder.
    fn read_module(&mut self, tokens: TokenStream, folder: &Path, module: &[String], whole: &[String]) {
        let mut reader = Reader::default();
        reader.read(&tokens.into_iter().collect::<Vec<_>>());
        let from_root = |path: &Names| match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                Some([&module[..module.len() - up], &path[up..]].concat())
            }
            child => reader.children.contains_key(child).then(|| [module, path].concat()),
        };
        self.paths.entry(whole.to_vec()).or_default().extend(reader.paths.iter().filter_map(from_root));
        for (name, path) in &reader.exports {
            let target = from_root(path);
            self.exports.extend(target.map(|target| ([module, std::slice::from_ref(name)].concat(), target)));
        }
        for (name, body) in reader.children {
            let child = [module, std::slice::from_ref(&name)].concat();
            match body {
                Some(body) if self.is_split => self.read_module(body, &folder.join(&name), &child, &child),
                Some(body) => self.read_module(body, &folder.join(&name), &child, whole),
                None => self.read_file(&folder.join(format!("{name}.rs")), &folder.join(&name), &child),
            }
        }
    }
}

/// What one module says.
#[derive(Default)]
struct Reader {
    /// Its paths, as they are written.
    paths: BTreeSet<Names>,
    /// The paths that `pub use` passes on, by the name that they get.
    exports: BTreeMap<String, Names>,
    /// Its child modules, with the tokens of those that stand in its file.
    children: BTreeMap<String, Option<TokenStream>>,
}

impl Reader {
    fn read(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(sign) if sign.as_char() == '#' && is_for_tests(&tokens[at..]) => {
                    at += item_length(&tokens[at..]);
                }
                TokenTree::Group(group) => self.read(&group.stream().into_iter().collect::<Vec<_>>()),
                TokenTree::Ident(word) if word == "mod" => {
                    let Some(TokenTree::Ident(name)) = tokens.get(at) else { continue };
                    let body = match tokens.get(at + 1) {
                        Some(TokenTree::Group(body)) => Some(body.stream()),
                        _ => None,
                    };
                    at += if body.is_some() { 2 } else { 1 };
                    self.children.insert(name.to_string(), body);
                }
                TokenTree::Ident(word) if word == "use" => {
                    let is_passed_on = is_public(&tokens[..at - 1]);
                    let length = tokens[at..].iter().take_while(|token| !is(token, ';')).count();
                    self.read_use(&tokens[at..at + length], &[], is_passed_on);
                    at += length;
                }
                TokenTree::Ident(_) => {
                    let (path, length) = path(&tokens[at - 1..]);
                    at += length - 1;
                    // A path that goes on from another, as behind `<T as Trait>`, is none of a module.
                    if path.len() > 1 {
                        self.paths.insert(path);
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads what stands behind `use`, or in the braces behind `prefix`.
    fn read_use(&mut self, tokens: &[TokenTree], prefix: &[String], is_passed_on: bool) {
        let (path, length) = path(tokens);
        let whole = [prefix, path.as_slice()].concat();
        match &tokens[length..] {
            [TokenTree::Group(group), ..] => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                for tree in inner.split(|token| is(token, ',')).filter(|tree| !tree.is_empty()) {
                    self.read_use(tree, &whole, is_passed_on);
                }
                return;
            }
            [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "as" && is_passed_on => {
                self.exports.insert(name.to_string(), whole.clone());
            }
            _ if is_passed_on => self.exports.extend(whole.last().map(|name| (name.clone(), whole.clone()))),
            _ => {}
        }
        self.paths.insert(whole);
    }
}

/// Reads names with `::` between them, and returns them with the number of their tokens, of a `::` behind them too.
fn path(tokens: &[TokenTree]) -> (Names, usize) {
    let (mut names, mut at) = (Names::new(), 0);
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        match &tokens[at..] {
            [one, other, ..] if is(one, ':') && is(other, ':') => at += 2,
            _ => break,
        }
    }
    (names, at)
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Checks whether the last of the tokens before an item make it public, to all or to some.
fn is_public(tokens: &[TokenTree]) -> bool {
    match tokens {
        [.., TokenTree::Ident(word)] => word == "pub",
        [.., TokenTree::Ident(word), TokenTree::Group(_)] => word == "pub",
        _ => false,
    }
}

/// Checks whether an attribute's brackets say that what follows is compiled for tests alone.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    matches!(tokens.first(), Some(TokenTree::Group(attribute)) if attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Counts the tokens of an item with its attributes: up to a semicolon or a group in braces.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| {
        is(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    tokens.iter().position(ends).map_or(tokens.len(), |last| last + 1)
}
