/**
 * How the processes that serve use memory, where a starting process can set it for another one: options
 * of Node, and variables of glibc. docs/operations.md says what they do.
 */

const youngGeneration = '--max-semi-space-size'

/** Returns the options of Node with a young generation of up to three times 16 MB, unless another is given. */
export function withYoungGeneration(options: readonly string[]): string[] {
  const given = [...options, process.env.NODE_OPTIONS ?? ''].join(' ')
  return given.includes(youngGeneration) ? [...options] : [...options, `${youngGeneration}=16`]
}

/** For glibc: free memory above 1 MB goes back to the system, and threads share two areas of memory. */
export const memoryEnvironment = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '1048576' }
