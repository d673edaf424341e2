import { describe, test } from '@jest/globals'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { administrator } from '../support/administrator.ts'
import { asker } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import { gatewayOfAuth } from '../support/gateway-of-auth.ts'
import { raceRevocations } from '../support/race-revocation.ts'

describe.each(await testDatabases())('on $name', ({ name, make }) => {
  test('nothing that was issued before a revocation works after it, 50 times for each way to revoke', async () => {
    const scratch = await make()
    const start = (more: Record<string, string> = {}) =>
      startAuth({ ...authEnvironment(scratch.url), ...more }, { hashParameters: cheapHashes })
    const first = await start()
    const statusUrl = { TOKEN_STATUS_URL: new URL(first.url).origin }
    const others =
      name === 'PostgreSQL' ? await Promise.all([start(statusUrl), start(statusUrl)]) : []
    const running = [first, ...others]
    const gateway = await gatewayOfAuth(first.url)
    try {
      const asks = running.map(({ url }) => asker('auth', url))
      const { claims } = await administrator(asks[0]!, scratch.url)
      for (let turn = 0; turn < 10; turn++) {
        const race = { asks, administrator: claims, accepts: gateway.accepts }
        await raceRevocations(race, { rounds: 5, turn })
      }
    } finally {
      await gateway.close()
      await Promise.all(running.map((each) => each.close()))
      await scratch.drop()
    }
  })
})
