/**
 * One file of planner/ for each file of gateway/planning/ that corrects the planner, and the faults of the
 * executor of @apollo/gateway. They run as one suite: loading the composition and both executors takes
 * more than a second of CPU time per suite.
 */
import { readdirSync } from 'node:fs'

for (const file of readdirSync(new URL('planner/', import.meta.url))) {
  await import(new URL(`planner/${file}`, import.meta.url).href)
}
await import('../engine/known-faults.ts')
