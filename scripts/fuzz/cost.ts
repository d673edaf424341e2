/**
 * `npm run fuzz -- cost [operations] [seed]`: random operations on schemas with random `@cost` and `@listSize`.
 * Prints each operation that costs more than estimated, although no list is longer than it is said to be.
 * Exit code: 1 if there was one.
 */
import { checkHonestLists } from '../../tests/operations/support/honest-lists.ts'
import { wholeNumber } from '../whole-number.ts'

const [operations = '20000', firstSeed = '1'] = process.argv.slice(2)
const perSchema = 100
const schemas = Math.ceil(wholeNumber(operations, 'the number of operations') / perSchema)
const seed = wholeNumber(firstSeed, 'the seed')
const mostShown = 5

const report = checkHonestLists({ seed, schemas, operations: perSchema })
for (const violation of report.violations.slice(0, mostShown)) console.log(`\n${violation}`)
console.log(
  `cost: ${report.violations.length} violations in ${report.operations} operations, of which the cost of ` +
    `${report.byVariables} depends on variables; ${report.exact} cost what was estimated`,
)
process.exitCode = report.violations.length === 0 ? 0 : 1
