//! What the change of a section other than `paths` exposes.

use serde_json::Value;

use super::change::Exposure;
use super::meaning::{Object, Targets, authorizer_place};
use super::rule::judge_section;
use super::side::Config;

/// Judges every section but `paths`.
pub fn exposed_by_sections(old: &Config, new: &Config) -> Vec<Exposure> {
    let (before, after) = (&old.meaning, &new.meaning);
    let mut exposures = Vec::new();
    judge_section("config", "", &before.top, &after.top, &mut exposures);
    for (name, is) in &after.authorizers {
        if let Some(was) = before.authorizers.get(name) {
            judge_authorizer(name, was, is, &mut exposures);
        }
    }
    if let (Some(was), Some(is)) = (&before.login, &after.login)
        && was != is
        && before.authorizers.get(was) != after.authorizers.get(is)
    {
        let what = format!("logs people in at {is:?} in place of {was:?}");
        exposures.push(Exposure::Setting { place: "authorizers".to_owned(), what });
    }
    for (section, was, is) in [
        ("servers", &before.servers, &after.servers),
        ("services", &before.services, &after.services),
        ("serviceBindings", &before.bindings, &after.bindings),
    ] {
        judge_targets(section, was, is, &mut exposures);
    }
    // Where a path comes from a binding, nobody knows here which requests it takes.
    let text = |path: &Object, key: &str| path.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_unknown = |path: &&Object| ["method", "path"].iter().any(|key| text(path, key).starts_with('$'));
    for path in after.paths.iter().filter(is_unknown).filter(|path| !before.paths.contains(path)) {
        let place = format!("{} {}", text(path, "method"), text(path, "path"));
        let what = "which requests it takes is not known here, and it is not as it was".to_owned();
        exposures.push(Exposure::Setting { place, what });
    }
    exposures
}

fn judge_authorizer(name: &str, was: &Object, is: &Object, exposures: &mut Vec<Exposure>) {
    let (before, after) = (was.get("type"), is.get("type"));
    let place = authorizer_place(name);
    if before != after {
        let kind = |kind: Option<&Value>| kind.map_or_else(|| "none".to_owned(), Value::to_string);
        let what = format!("believes another type of issuer: {} in place of {}", kind(after), kind(before));
        exposures.push(Exposure::Setting { place: format!("{place}.type"), what });
        return;
    }
    let section = format!("authorizer_{}", after.and_then(Value::as_str).unwrap_or_default());
    judge_section(&section, &place, was, is, exposures);
}

/// Judges where an alias leads: to what no path went to before, or what this alias did not mean; and whether that gets paths which
/// were refused.
fn judge_targets(section: &str, before: &Targets, after: &Targets, exposures: &mut Vec<Exposure>) {
    for alias in after.used() {
        let known = if before.used().contains(alias) { before.of(alias) } else { before.all_used() };
        let added = after.of(alias).difference(&known).cloned().collect::<Vec<_>>();
        exposures.extend(added.into_iter().map(|target| Exposure::Setting {
            place: format!("{section}.{alias}"),
            what: format!("sends requests, with their tokens, to {target}"),
        }));
        if known
            .iter()
            .any(|target| after.of(alias).contains(target) && after.is_strict(target) && !before.is_strict(target))
        {
            exposures.push(Exposure::Setting {
                place: format!("{section}.{alias}.strict_paths"),
                what: "gives it paths that it may read as others".to_owned(),
            });
        }
    }
}
