//! Markdown, as far as the documents use it: fenced blocks, headings and links.

/// A document.
pub struct Page {
    /// Its path from the project's folder.
    pub name: String,
    /// Its text.
    pub source: String,
    /// Its fenced blocks.
    pub blocks: Vec<Block>,
    /// What `#…` may name in it.
    pub anchors: Vec<String>,
    /// Where its links lead, each with its line.
    pub links: Vec<(usize, String)>,
}

/// A fenced block.
pub struct Block {
    /// The line in its file that its text begins at, from 1.
    pub line: usize,
    /// What stands behind the opening fence.
    pub info: String,
    /// Its lines.
    pub text: String,
}

impl Page {
    /// Reads a document.
    pub fn parse(name: &str, source: &str) -> Self {
        let (mut blocks, mut anchors, mut links) = (Vec::<Block>::new(), Vec::<String>::new(), Vec::new());
        // The number of backticks of the fence that is open.
        let mut open = None;
        for (index, line) in source.lines().enumerate() {
            let trimmed = line.trim();
            let ticks = trimmed.chars().take_while(|character| *character == '`').count();
            let rest = trimmed.trim_start_matches('`');
            match open {
                Some(fence) if ticks >= fence && rest.is_empty() => open = None,
                Some(_) => {
                    let block = blocks.last_mut().expect("an open fence has a block");
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                None if ticks >= 3 && !rest.contains('`') => {
                    open = Some(ticks);
                    blocks.push(Block { line: index + 2, info: rest.trim().to_owned(), text: String::new() });
                }
                None => {
                    if let Some(heading) = heading_of(line) {
                        anchors.push(anchor_of(heading, &anchors));
                    }
                    links.extend(link_targets(line).map(|target| (index + 1, target)));
                }
            }
        }
        Self { name: name.to_owned(), source: source.to_owned(), blocks, anchors, links }
    }
}

fn heading_of(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    (1..=6).contains(&level).then_some(text).filter(|text| text.starts_with(' ')).map(str::trim)
}

/// Returns the name that GitHub gives a heading, beside those that stand above it.
fn anchor_of(heading: &str, above: &[String]) -> String {
    let kept = |character: char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
    let name: String = heading.to_lowercase().chars().filter(|character| kept(*character)).collect();
    let name = name.replace(' ', "-");
    let numbered = (1..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !above.contains(name)).unwrap_or_default()
}

/// Returns the targets of `[text](target)` in a line, outside of code.
fn link_targets(line: &str) -> impl Iterator<Item = String> {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let targets: Vec<_> =
        prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next().map(str::to_owned)).collect();
    targets.into_iter()
}
