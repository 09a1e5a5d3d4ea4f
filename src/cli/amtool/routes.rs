//! `amtool config routes`: the tree of routes, and the way of an alert through it.
//!
//! Alertmanager 0.34 draws trees with treeprint: `├── ` and `└── ` before a node, `│   ` and four
//! blanks below one that has, or has not, later siblings.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::Global;
use super::client::Client;
use super::failure::Failure;
use super::{features, log};
use crate::cli::Context;
use crate::config::{self, Options};
use crate::model::route::Route;
use crate::model::{LabelSet, Mode, Operator, RouteIndex, RouteTree};

/// `amtool config routes`: `show` unless something else is named.
#[derive(Debug, Args)]
pub(in crate::cli) struct RoutesArgs {
    /// Config file to be tested
    #[arg(long = "config.file", value_name = "FILE", global = true)]
    config_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<RoutesCommand>,
}

/// What to do with the routes.
#[derive(Debug, Subcommand)]
enum RoutesCommand {
    /// Print the routing tree (the default)
    Show,
    /// Test alert labels against the routing tree
    Test(TestArgs),
}

/// `amtool config routes test`
#[derive(Debug, Args)]
struct TestArgs {
    /// Exit with 1 unless these receivers, separated by commas, are the ones that match
    #[arg(long = "verify.receivers", value_name = "RECEIVERS")]
    verify_receivers: Option<String>,
    /// Print the tree of the routes that match
    #[arg(long)]
    tree: bool,
    /// Labels of an alert: name=value
    #[arg(value_name = "labels")]
    labels: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &RoutesArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let mode = features::mode(&global.enable_feature)?;
    let tree = load(args, global, mode, context)?;
    match &args.command {
        None | Some(RoutesCommand::Show) => {
            writeln!(context.out, "Routing tree:\n{}", draw(&all(&tree)))?;
            Ok(())
        }
        Some(RoutesCommand::Test(test)) => try_labels(test, &tree, mode, context),
    }
}

fn load(
    args: &RoutesArgs,
    global: &Global,
    mode: Mode,
    context: &mut Context<'_>,
) -> Result<RouteTree, Failure> {
    let options = Options {
        mode,
        local_zone: context.world.clock.local_zone(),
    };
    let failed = |error: &dyn std::fmt::Display| Failure::Command(error.to_string());
    let loaded = match (&args.config_file, &global.alertmanager_url) {
        (None, None) => {
            return Err(Failure::Command(
                "You have to specify one of --config.file or --alertmanager.url flags.".to_owned(),
            ));
        }
        (None, Some(_)) => {
            let status = Client::new(global, context)?.status()?;
            config::load(status.into_configuration().as_bytes(), &options)
                .map_err(|error| failed(&error))?
        }
        (Some(file), url) => {
            if url.is_some() {
                let warning = "Warning: --config.file flag overrides the --alertmanager.url.";
                writeln!(context.err, "{warning}")?;
            }
            config::load_file(context.world.files.as_ref(), file, &options)
                .map_err(|error| failed(&error))?
        }
    };
    for warning in &loaded.warnings {
        let line = log::matcher_warning(context.world.clock.wall(), warning);
        writeln!(context.out, "{line}")?;
    }
    Ok(loaded.config.route_tree())
}

fn try_labels(
    args: &TestArgs,
    tree: &RouteTree,
    mode: Mode,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let labels = labels(&args.labels, mode)?;
    let found = tree.matching(&labels);
    if args.tree {
        writeln!(
            context.out,
            "Matching routes:\n{}\n",
            draw(&entered(tree, &found))
        )?;
    }
    let receivers: Vec<&str> = found
        .iter()
        .map(|index| &*tree.route(*index).receiver)
        .collect();
    let receivers = receivers.join(",");
    writeln!(context.out, "{receivers}")?;
    match &args.verify_receivers {
        Some(expected) if !expected.is_empty() && *expected != receivers => {
            let warning = "WARNING: Expected receivers did not match resolved receivers.";
            writeln!(context.out, "{warning}")?;
            Err(Failure::Told)
        }
        _ => Ok(()),
    }
}

fn labels(texts: &[String], mode: Mode) -> Result<LabelSet, Failure> {
    let mut pairs = Vec::with_capacity(texts.len());
    for text in texts {
        let parsed = mode
            .parse_matcher(text)
            .map_err(|error| Failure::Command(format!("Failed to parse labels: {error}")))?;
        let matcher = parsed.value;
        if matcher.operator() != Operator::Equal {
            let text = "Labels must be specified as key=value pairs";
            return Err(Failure::Command(text.to_owned()));
        }
        pairs.push((matcher.name().to_owned(), matcher.value().to_owned()));
    }
    Ok(LabelSet::new(pairs))
}

/// A line of a tree: how deep it stands, and what it says.
type Line = (usize, String);

fn condition(route: &Route) -> String {
    match route.matchers.is_empty() {
        true => "default-route".to_owned(),
        false => route.matchers.to_string(),
    }
}

/// All routes.
fn all(tree: &RouteTree) -> Vec<Line> {
    let mut depths = vec![0; tree.routes().len()];
    let line = |index: RouteIndex| {
        let route = tree.route(index);
        let depth = match route.parent {
            None => 0,
            Some(parent) => depths[parent.0 as usize] + 1,
        };
        depths[index.0 as usize] = depth;
        let continues = if route.continues {
            "  continue: true"
        } else {
            ""
        };
        let text = format!(
            "{}{continues}  receiver: {}",
            condition(route),
            route.receiver
        );
        (depth, text)
    };
    tree.walk().into_iter().map(line).collect()
}

/// The routes on the ways to those that were found; only these show their receivers.
fn entered(tree: &RouteTree, found: &[RouteIndex]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut way: Vec<RouteIndex> = Vec::new();
    for end in found {
        let up = |index: &RouteIndex| tree.route(*index).parent;
        let mut next: Vec<_> = std::iter::successors(Some(*end), up).collect();
        next.reverse();
        let shared = way
            .iter()
            .zip(&next)
            .take_while(|(one, other)| one == other)
            .count();
        for (depth, index) in next.iter().enumerate().skip(shared) {
            let route = tree.route(*index);
            let receiver = match index == end {
                true => format!("  receiver: {}", route.receiver),
                false => String::new(),
            };
            lines.push((depth, condition(route) + &receiver));
        }
        way = next;
    }
    lines
}

fn draw(lines: &[Line]) -> String {
    // From the end, because how a line begins depends on what follows it: at each level, whether
    // there is a later sibling.
    let mut has_later: Vec<bool> = Vec::new();
    let mut drawn = Vec::with_capacity(lines.len());
    for (depth, text) in lines.iter().rev() {
        has_later.resize(depth + 1, false);
        let (own, above) = has_later
            .split_last_mut()
            .map_or((false, &[][..]), |(own, above)| {
                (std::mem::replace(own, true), above)
            });
        let mut line: String = above
            .iter()
            .map(|has_later| if *has_later { "│   " } else { "    " })
            .collect();
        line.push_str(if own { "├── " } else { "└── " });
        line.push_str(text);
        line.push('\n');
        drawn.push(line);
    }
    drawn.push(".\n".to_owned());
    drawn.reverse();
    drawn.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_drawn_as_long_as_siblings_follow() {
        let lines = [(0, "a"), (1, "b"), (2, "c"), (1, "d"), (2, "e"), (2, "f")];
        let lines = lines.map(|(depth, text)| (depth, text.to_owned()));
        let expected = "\
.
└── a
    ├── b
    │   └── c
    └── d
        ├── e
        └── f
";
        assert_eq!(draw(&lines), expected);
    }
}
