//! The tasks and their arguments, as plain data.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::workspace::Workspace;
use crate::{bench, build, ci, cuda, screenshots, serve, test, tidy, tools};

/// Build, test and serve Pellucid.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the page and serve it on this machine.
    ///
    /// Example: cargo xtask serve --port 8080
    Serve(Serve),
    /// Write the static site into a folder, for any host.
    ///
    /// Example: cargo xtask build --out site --with googlenet
    Build(Build),
    /// Run every test: native, wasm, and the page in a browser.
    ///
    /// Example: cargo xtask test --native
    Test(Test),
    /// Formatting, lints, documentation, the dependency rule, then every test.
    Ci,
    /// Install what the page's build and its tests need.
    Tools(Tools),
    /// Build the command line for NVIDIA's GPUs: 40 CPU minutes.
    ///
    /// Example: cargo xtask cuda --llvm
    Cuda(Cuda),
    /// Check the dependency rule and what `shared` must not touch.
    Tidy,
    /// Photograph every state of the page.
    ///
    /// Example: cargo xtask screenshots --out screenshots
    Screenshots(Screenshots),
    /// Measure speed, memory and size beside other libraries, and write the results down.
    ///
    /// Example: cargo xtask bench --rounds 10
    Bench(Bench),
}

/// What goes into a site that stays on this machine.
#[derive(Args, Clone, Debug, Default)]
pub struct Content {
    /// GoogLeNet's weights; by default those in the user's cache, then those of the reference data
    /// beside the checkout.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Also optimize the wasm, as in a site for others: minutes to build, half to download.
    #[arg(long)]
    pub optimize: bool,
}

/// Arguments of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub content: Content,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Where GoogLeNet's weights are taken from if they are not on this machine; by default where
    /// they are published.
    #[arg(long, value_name = "URL")]
    pub fetch_from: Option<String>,
}

/// Arguments of `build`.
#[derive(Args, Clone, Debug)]
pub struct Build {
    /// Also put in a network whose weights are not part of the repository: from the user's cache,
    /// the reference data beside the checkout, or a download.
    #[arg(long, value_enum, value_name = "NETWORK")]
    pub with: Option<Network>,
    /// That network's weights, from this file.
    #[arg(long, value_name = "FILE", requires = "with")]
    pub weights: Option<PathBuf>,
    /// Leave the wasm as the compiler made it: quicker to build, slower to run.
    #[arg(long)]
    pub no_optimize: bool,
    /// The folder to write; replaced if it is a site already.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Where the site will live; addresses are relative by default and work anywhere.
    #[arg(long, value_name = "URL", default_value = "./")]
    pub public_url: String,
    /// Also print how large each file is in brotli, as hosts send it.
    #[arg(long)]
    pub sizes: bool,
}

/// Networks whose weights somebody else publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Network {
    /// BVLC's.
    Googlenet,
}

/// Arguments of `tools`.
#[derive(Args, Clone, Debug)]
pub struct Tools {
    /// Only what a build of the page needs that is not optimized.
    #[arg(long)]
    pub for_serve: bool,
}

/// Where Debian puts its LLVM.
pub const DEBIANS_LLVM: &str = "/usr/lib/llvm-22";

/// Arguments of `cuda`.
#[derive(Args, Clone, Debug)]
pub struct Cuda {
    /// Link with the LLVM in this folder rather than with a release that is downloaded (Linux,
    /// macOS); without a folder with Debian's LLVM 22, which apt installs.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = DEBIANS_LLVM)]
    pub llvm: Option<PathBuf>,
}

/// Arguments of `test`.
#[derive(Args, Clone, Debug, Default)]
pub struct Test {
    /// Only what runs natively.
    #[arg(long, conflicts_with = "browser")]
    pub native: bool,
    /// Only what runs in a browser.
    #[arg(long)]
    pub browser: bool,
    /// Run the native tests on a device that is off by default: 23 CPU minutes to build.
    #[arg(long, value_enum)]
    pub device: Option<Device>,
    /// Only browser tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
}

/// Drivers of GPUs, which native builds leave out unless one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// Vulkan, Metal or DX12.
    Wgpu,
    /// NVIDIA's own.
    Cuda,
}

impl Device {
    /// As cargo's features and the programs here name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }
}

/// Arguments of `screenshots`.
#[derive(Args, Clone, Debug)]
pub struct Screenshots {
    /// Where the pictures go.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only states whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
}

/// Arguments of `bench`.
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// The network's weights; by default those the page would be built with.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Samples a turn; ours and theirs take three turns each.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Measure this machine's GPU instead, natively through this driver and in Chromium: 23 CPU
    /// minutes to build.
    #[arg(long, value_enum, value_name = "DRIVER")]
    pub gpu: Option<Device>,
    /// Where the results go; by default docs/benchmarks.md, or docs/benchmarks-gpu.md with --gpu.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Parses the command line, does the task, and turns a failure into its message and exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = Workspace::find().and_then(|workspace| match cli.task {
        Task::Serve(arguments) => serve::run(&workspace, &arguments),
        Task::Build(arguments) => build::run(&workspace, &arguments),
        Task::Test(arguments) => test::run(&workspace, &arguments),
        Task::Ci => ci::run(&workspace),
        Task::Tools(arguments) => tools::run(&workspace, &arguments),
        Task::Cuda(arguments) => cuda::run(&workspace, &arguments),
        Task::Tidy => tidy::run(&workspace),
        Task::Screenshots(arguments) => screenshots::run(&workspace, &arguments),
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
