/**
 * How the processes that serve use memory, where a starting process can set it for another one: options
 * of Node, and variables of glibc. docs/operations.md says what they do.
 */

/** The options of Node of a process that serves. */
export const servingOptions = [
  '--max-semi-space-size=16',
  '--no-flush-bytecode',
  '--heap-growing-percent=30',
  '--no-memory-reducer',
]

/**
 * Returns the options of Node with those of a process that serves, unless they are given: a young generation
 * of up to three times 16 MB, at most 30 % of garbage beside what is in use (V8 lets it grow to several times
 * that), and compiled code that stays. V8 would discard the code of functions that were not called during a few
 * collections of garbage. Its memory reducer would collect everything after eight quiet seconds, hidden classes
 * included, and with them the optimized code: see memory-at-rest.ts. Operations then cost two to four times as
 * much until their code is compiled again.
 */
export function withServingOptions(given: readonly string[]): string[] {
  const known = [...given, process.env.NODE_OPTIONS ?? ''].join(' ')
  const missing = servingOptions.filter((option) => !known.includes(option.split('=')[0]!))
  return [...given, ...missing]
}

/** For glibc: free memory above 1 MB goes back to the system, and threads share two areas of memory. */
export const memoryEnvironment = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '1048576' }
