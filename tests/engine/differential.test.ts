import { expect, test } from '@jest/globals'
import { compareEngines, compareFailures, compareWrongValues } from './compare-engines.ts'
import { federations, values } from './federations.ts'
import { enginesOf } from './only-native-is-right.ts'
import { randomOperation } from './random-operation.ts'
import { reservedNames } from './reserved-names.ts'
import { twoEngines } from './two-engines.ts'
import { damageExcept } from './wrong-values.ts'

const seeds = 8
test.each(federations.map((federation) => [federation.name, federation] as const))(
  'random operations over %s are answered rightly, and by both engines alike where @apollo/gateway is right',
  async (_, federation) => {
    const engines = await enginesOf(federation)
    const reserved = reservedNames(federation)
    for (let seed = 1; seed <= seeds; seed++) {
      const isAwkward = seed % 2 === 1
      const operation = randomOperation(engines.apiSchema, {
        seed,
        reserved: isAwkward ? [] : reserved,
        aliases: isAwkward ? reserved : [],
      })
      const { wrong, disagreement, apolloIsWrong } = await compareEngines(engines, operation)
      const told = { seed, operation: operation.text, variables: operation.variables }
      expect({ ...told, wrong }).toEqual({ ...told, wrong: undefined })
      if (disagreement) expect({ ...told, apolloIsWrong }).toEqual({ ...told, apolloIsWrong: true })
    }
  },
)

test.each(federations.map((federation) => [federation.name, federation] as const))(
  'when calls fail, nothing else is lost over %s without an error, and nothing is computed without its inputs',
  async (_, federation) => {
    const engines = await enginesOf(federation)
    for (let seed = 1; seed <= 3 * seeds; seed++) {
      const operation = randomOperation(engines.apiSchema, { seed })
      const told = { seed, operation: operation.text, variables: operation.variables }
      const wrong = await compareFailures(engines, operation, seed)
      expect({ ...told, wrong }).toEqual({ ...told, wrong: undefined })
    }
  },
)

test('values that do not fit the schema are errors in their places, as in graphql-js', async () => {
  const engines = await twoEngines(values, {}, damageExcept(reservedNames(values), 1))
  for (let seed = 1; seed <= 40; seed++) {
    const operation = randomOperation(engines.apiSchema, { seed })
    const told = { seed, operation: operation.text, variables: operation.variables }
    const wrong = await compareWrongValues(engines, operation)
    expect({ ...told, wrong }).toEqual({ ...told, wrong: undefined })
  }
  await engines.stop()
})
