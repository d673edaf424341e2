import { PassThrough } from 'node:stream'
import { expect, test } from '@jest/globals'
import { startSystem } from '../../scripts/start/start-system.ts'
import { supervisor } from '../../scripts/start/supervisor.ts'
import { isTrue } from '../../scripts/walkthrough/rows.ts'
import { secondPage } from '../../scripts/walkthrough/second-page.ts'
import { thirdPage } from '../../scripts/walkthrough/third-page.ts'
import { testDatabases } from '../support/databases.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const databases = (await testDatabases()).map(({ name, make }) => ({
  name,
  make,
  folder: scratchFolder(),
}))

test('the second and the third page of the walk-through are true on every database', async () => {
  // At the same time: most of it is waiting for a revocation to reach the gateways.
  const pages = await Promise.all(
    databases.map(async ({ name, make, folder }) => {
      const scratch = await make()
      const processes = supervisor({ output: new PassThrough().resume() })
      const environment = {
        PATH: process.env.PATH,
        NODE_ENV: 'development',
        DATA_DIR: folder,
        DATABASE_URL: name === 'SQLite' ? undefined : scratch.url,
        LOG_LEVEL: 'silent',
        GATEWAY_PORT: '0',
        AUTH_PORT: '0',
        USERS_PORT: '0',
      }
      try {
        const { urls } = await startSystem({ environment, supervisor: processes })
        const second = await secondPage({ urls, environment })
        return { name, second, third: await thirdPage({ urls, environment }) }
      } finally {
        await processes.stop()
        await scratch.drop()
      }
    }),
  )
  for (const { name, second, third } of pages) {
    expect(second).toHaveLength(8)
    expect(third).toHaveLength(8)
    const untrue = [...second, ...third]
      .filter((row) => !isTrue(row))
      .map((row) => JSON.stringify(row))
    expect({ name, untrue }).toEqual({ name, untrue: [] })
  }
}, 90_000)
