import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'

/**
 * Returns why tests that need these commands cannot run on this machine, and prints it; undefined if
 * they can.
 */
export function whyNot(tests: string, commands: readonly string[], needsRoot = false) {
  const missing = commands.filter((command) => spawnSync('which', [command]).status !== 0)
  const isUser = needsRoot && userInfo().uid !== 0
  const reason =
    missing.length > 0
      ? `not installed: ${missing.join(', ')}`
      : isUser
        ? 'it needs to be root'
        : undefined
  if (reason !== undefined) process.stdout.write(`skipped, ${tests}: ${reason}\n`)
  return reason
}
