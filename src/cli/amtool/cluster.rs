//! `amtool cluster show`: the members of a server's cluster.

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::args::{Global, Output};
use super::client::Client;
use super::failure::Failure;
use super::format::{columns, json_line};
use super::object::Cluster;
use super::operation::GET_STATUS;
use crate::cli::Context;

/// `amtool cluster`: `show`, which is all there is.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    #[command(subcommand)]
    command: Option<ClusterCommand>,
}

/// What to do with a cluster.
#[derive(Debug, Subcommand)]
enum ClusterCommand {
    /// View cluster status and peers (the default)
    Show,
}

#[derive(Debug, Deserialize)]
struct Status {
    cluster: Cluster,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &ClusterArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let (None | Some(ClusterCommand::Show)) = args.command;
    let client = Client::new(global, context)?;
    let Status { mut cluster } = client.get(&GET_STATUS, GET_STATUS.path)?;
    if global.output == Output::Json {
        writeln!(context.out, "{}", json_line(&cluster)?)?;
        return Ok(());
    }
    let Cluster { name, status, .. } = &cluster;
    let head = format!("Cluster Status:\t{status}\nNode Name:\t{name}\n");
    write!(context.out, "{}", columns(&head))?;
    if global.output == Output::Extended {
        // Of addresses that are none the text decides.
        cluster.peers.sort_by_key(|peer| {
            let address = peer.address.parse::<SocketAddr>();
            (address.ok(), peer.address.clone())
        });
        let mut text = "Address\tName\n".to_owned();
        for peer in &cluster.peers {
            text.push_str(&format!("{}\t{}\t\n", peer.address, peer.name));
        }
        write!(context.out, "\n{}", columns(&text))?;
    }
    Ok(())
}
