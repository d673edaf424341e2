import { afterAll, expect, test } from '@jest/globals'
import { compareEngines, compareWrongValues } from './compare-engines.ts'
import { federations, values } from './federations.ts'
import { randomOperation } from './random-operation.ts'
import { reservedNames } from './reserved-names.ts'
import { twoEngines } from './two-engines.ts'
import type { TwoEngines } from './two-engines.ts'
import { damageExcept } from './wrong-values.ts'

const seeds = 8
const running: TwoEngines[] = []

afterAll(() => Promise.all(running.map((engines) => engines.stop())))

test.each(federations.map((federation) => [federation.name, federation] as const))(
  'random operations over %s are answered rightly, and by both engines alike where @apollo/gateway is right',
  async (_, federation) => {
    const engines = await twoEngines(federation)
    running.push(engines)
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

test('values that do not fit the schema are errors in their places, as in graphql-js', async () => {
  const engines = await twoEngines(values, {}, damageExcept(reservedNames(values), 1))
  running.push(engines)
  for (let seed = 1; seed <= 40; seed++) {
    const operation = randomOperation(engines.apiSchema, { seed })
    const told = { seed, operation: operation.text, variables: operation.variables }
    const wrong = await compareWrongValues(engines, operation)
    expect({ ...told, wrong }).toEqual({ ...told, wrong: undefined })
  }
})
