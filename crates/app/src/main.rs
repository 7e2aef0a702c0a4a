//! The program: parses the command line, runs a command, ends with its exit code. All else is in the library.

fn main() -> ! {
    // Threads may still wait for a pipe or a hanging file: the program ends when its answer is written.
    std::process::exit(lastgood::commands::run().into())
}
