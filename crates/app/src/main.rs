//! The program: parses the command line, runs a command, ends with its exit code. All else is in the library.

/// Facts of 100 000 assets are 100 000 small allocations made on another thread than the one that reads them: the
/// allocator of the C library takes a tenth of the whole run for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ! {
    // Threads may still wait for a pipe or a hanging file: the program ends when its answer is written.
    std::process::exit(lastgood::commands::run().into())
}
