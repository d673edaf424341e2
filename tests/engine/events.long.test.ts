/** An event of a subscription is a query on a root object: it has one right response. */
import { expect, test } from '@jest/globals'
import { compareEvent } from './compare-engines.ts'
import { federations, withSubscriptions } from './federations.ts'
import { randomOperation } from './random-operation.ts'
import { twoEngines } from './two-engines.ts'

const seeds = 100

test.each(federations.map((federation) => [federation.name, federation] as const))(
  'events of random subscriptions over %s are executed rightly',
  async (_, federation) => {
    const engines = await twoEngines(withSubscriptions(federation))
    for (let seed = 1; seed <= seeds; seed++) {
      const operation = randomOperation(engines.apiSchema, { seed, subscribes: true })
      const told = { seed, operation: operation.text, variables: operation.variables }
      const wrong = await compareEvent(engines, operation)
      expect({ ...told, wrong }).toEqual({ ...told, wrong: undefined })
    }
    await engines.stop()
  },
)
