/**
 * `npm run fuzz -- authorization [operations] [seed]`: random operations of random callers on random
 * federations with random guards. Prints each field that was resolved for, or shown to, a caller without
 * the right to see it, with its seed. Exit code: 1 if there was one.
 */
import { checkSoundness } from '../../tests/authorization/support/soundness.ts'
import { wholeNumber } from '../whole-number.ts'

const [operations = '20000', firstSeed = '1'] = process.argv.slice(2)
const perGraph = 100
const graphs = Math.ceil(wholeNumber(operations, 'the number of operations') / perGraph)
const first = wholeNumber(firstSeed, 'the seed')
const mostShown = 5

const totals = { operations: 0, executions: 0, reduced: 0, refused: 0, violations: 0 }
for (let graph = 0; graph < graphs; graph++) {
  const seed = first + graph
  const report = await checkSoundness({ seed, graphs: 1, operations: perGraph })
  for (const violation of report.violations) {
    if (totals.violations++ < mostShown) console.log(`\n${violation}`)
  }
  totals.operations += report.operations
  totals.executions += report.executions
  totals.reduced += report.reduced
  totals.refused += report.refused
  if ((graph + 1) % 20 === 0)
    console.log(`${totals.operations} operations, ${totals.executions} executions`)
}
console.log(
  `authorization: ${totals.violations} violations in ${totals.operations} operations, executed ` +
    `${totals.executions} times: ${totals.reduced} reduced, ${totals.refused} refused`,
)
process.exitCode = totals.violations === 0 ? 0 : 1
