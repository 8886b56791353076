//! The command `pellucid`: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser;
use trainer::cli::{Cli, Command};
use trainer::{commands, failure, interrupt, output};

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let result = interrupt::listen().and_then(|()| match command {
        Command::Fetch(args) => commands::fetch::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Layers(args) => commands::layers::run(args),
        Command::Classify(args) => commands::classify::run(args),
        Command::Visualize(args) => commands::visualize::run(*args),
        Command::Exemplars(args) => commands::exemplars::run(*args),
        Command::Record(args) => commands::record::run(*args),
        Command::Synthetic(args) => commands::synthetic::run(args),
        Command::Train(args) => commands::train::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Features(args) => commands::features::run(args),
        Command::Explore(args) => commands::explore::run(*args),
        Command::Spectrum(args) => commands::spectrum::run(args),
        Command::Export(args) => commands::export::run(*args),
        Command::Doctor(args) => commands::doctor::run(args),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if failure::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pellucid: {}", output::printable(&format!("{error:#}")));
            failure::exit_code(&error)
        }
    }
}
