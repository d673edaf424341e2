/**
 * `npm run fuzz -- engine [operations] [seed]`: random operations on difficult supergraphs, executed by
 * both engines; the native one gets its responses as unusual bytes, once more with faults in them, once more
 * with every third call failing, and once more with values that do not fit the schema; then an event of a random
 * subscription. Prints each wrong response of the native engine with its seed. Exit code: 1 if there was one.
 */
import {
  compareEngines,
  compareEvent,
  compareFailures,
  compareFaults,
  compareWrongValues,
} from '../../tests/engine/compare-engines.ts'
import type { Difference } from '../../tests/engine/compare-engines.ts'
import { errorTable } from '../../gateway/errors.ts'
import { federations, withSubscriptions } from '../../tests/engine/federations.ts'
import { oddResponse } from '../../tests/engine/odd-bytes.ts'
import { randomNumbers, randomOperation } from '../../tests/engine/random-operation.ts'
import { reservedNames } from '../../tests/engine/reserved-names.ts'
import { twoEngines } from '../../tests/engine/two-engines.ts'
import type { WriteResponse } from '../../tests/engine/two-engines.ts'
import { damageExcept } from '../../tests/engine/wrong-values.ts'
import { hash } from '../../tests/engine/hash.ts'
import { wholeNumber } from '../whole-number.ts'

const [operations = '20000', firstSeed = '1'] = process.argv.slice(2)
const count = Math.ceil(wholeNumber(operations, 'the number of operations') / federations.length)
const first = wholeNumber(firstSeed, 'the seed')
const mostShown = 5
/** Milliseconds. Only responses are checked: some random operations take longer to plan than a gateway allows. */
const planningTime = 60_000

let wrong = 0
let disagreements = 0
/** The seeds of operations that took longer to plan. */
const unplanned: number[] = []
for (const federation of federations) {
  const engines = await twoEngines(federation, { planningTime })
  const reserved = reservedNames(federation)
  const damaged = await twoEngines(federation, { planningTime }, damageExcept(reserved, first))
  const live = await twoEngines(withSubscriptions(federation), { planningTime })
  for (let seed = first; seed < first + count; seed++) {
    // Every second operation also uses the names that @apollo/gateway is known to confuse.
    const operation = randomOperation(engines.apiSchema, {
      seed,
      reserved: seed % 2 === 0 ? reserved : [],
      aliases: seed % 2 === 0 ? [] : reserved,
    })
    // Of three operations, one has responses as servers write them; the others, unusual ones.
    const write: WriteResponse = (response, call) =>
      oddResponse(response, randomNumbers(hash(call, seed)))
    const verdict = await compareEngines(
      engines,
      seed % 3 === 0 ? operation : { ...operation, write },
    )
    const ofFaults = await compareFaults(engines, operation, seed)
    const ofFailures = await compareFailures(engines, operation, seed)
    const ofWrongValues = await compareWrongValues(damaged, { ...operation, write })
    const subscription = randomOperation(live.apiSchema, { seed, subscribes: true })
    const ofEvent = await compareEvent(live, { ...subscription, write })
    if (verdict.disagreement) disagreements++
    // If the responses differ, one is wrong: it must be that of @apollo/gateway.
    const isWrong = verdict.wrong ?? (verdict.apolloIsWrong ? undefined : verdict.disagreement)
    const differences = [isWrong, ofFaults, ofFailures, ofWrongValues, ofEvent]
    const found = differences.filter((one) => one !== undefined && !isUnplanned(one))
    if (differences.some((one) => one !== undefined && isUnplanned(one))) unplanned.push(seed)
    if (found.length === 0) continue
    wrong++
    if (wrong > mostShown) continue
    const { about, native, other } = found[0]!
    console.log(`\n${federation.name}, seed ${seed}: wrong ${about}`)
    const { text, variables } = found[0] === ofEvent ? subscription : operation
    console.log(text, JSON.stringify(variables))
    console.log('native:', JSON.stringify(native))
    console.log('other: ', JSON.stringify(other))
  }
  console.log(`${federation.name}: ${count} operations`)
  await engines.stop()
  await damaged.stop()
  await live.stop()
}
if (unplanned.length > 0) {
  console.log(`not planned within ${planningTime / 1_000} s: seed ${unplanned.join()}`)
}
console.log(
  `native engine: ${wrong} wrong; @apollo/gateway responds differently to ${disagreements}`,
)
process.exitCode = wrong === 0 ? 0 : 1

function isUnplanned({ native }: Difference): boolean {
  return JSON.stringify(native).includes(errorTable.OPERATION_TOO_COMPLEX.message)
}
