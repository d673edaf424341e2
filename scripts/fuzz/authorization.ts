/**
 * `npm run fuzz -- authorization [operations] [seed]`: random operations of random callers over random
 * federations with random guards. Prints each field that was resolved or shown for somebody who may not
 * see it, with its seed, and ends with 1 when there was one.
 */
import { checkSoundness } from '../../tests/authorization/support/soundness.ts'
import { wholeNumber } from '../whole-number.ts'

const [operations = '20000', firstSeed = '1'] = process.argv.slice(2)
const perGraph = 100
const graphs = Math.ceil(wholeNumber(operations, 'the number of operations') / perGraph)
const first = wholeNumber(firstSeed, 'the seed')
const mostShown = 5

const sum = { operations: 0, executions: 0, reduced: 0, refused: 0, violations: 0 }
for (let graph = 0; graph < graphs; graph++) {
  const seed = first + graph
  const report = await checkSoundness({ seed, graphs: 1, operations: perGraph })
  for (const violation of report.violations) {
    if (sum.violations++ < mostShown) console.log(`\n${violation}`)
  }
  sum.operations += report.operations
  sum.executions += report.executions
  sum.reduced += report.reduced
  sum.refused += report.refused
  if ((graph + 1) % 20 === 0)
    console.log(`${sum.operations} operations, ${sum.executions} executions`)
}
console.log(
  `authorization: ${sum.violations} violations in ${sum.operations} operations, executed ` +
    `${sum.executions} times: ${sum.reduced} reduced, ${sum.refused} refused`,
)
process.exitCode = sum.violations === 0 ? 0 : 1
