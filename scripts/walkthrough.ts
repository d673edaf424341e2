/** `npm run walkthrough`: runs the twelve steps of a login and the requests after it. */
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { requireOptionalPackages } from '../subgraphs/kit/process/optional-packages.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { runCommand } from './command.ts'
import { runningSystem } from './walkthrough/running-system.ts'
import { isTrue, rowsOf } from './walkthrough/rows.ts'
import type { Row } from './walkthrough/rows.ts'
import { secondPage } from './walkthrough/second-page.ts'
import { table } from './walkthrough/table.ts'
import { thirdPage } from './walkthrough/third-page.ts'
import { walkThrough } from './walkthrough/walk-through.ts'
import type { WalkThroughParts } from './walkthrough/walk-through.ts'

const usage = `
Usage: ${productCommand('walkthrough', '[options]')}

Logs in through the gateway, reads userData, and is refused with an expired, a tampered and a revoked token; prints
what happened in each of the twelve steps, and which processes took part. Uses the system that runs at
GATEWAY_PORT, AUTH_PORT and USERS_PORT with the data in DATA_DIR; if there is none, it starts a temporary
one, on free ports and with its own data. Which process responded is read from the counters of all three:
no other requests should be sent to the system meanwhile.

  --page PAGE       1: from login to userData; 2: accounts, sessions, second factors, keys;
                    3: events, the expiry and the renewal of a stream, its end by logout (default: 1)
  --format FORMAT   text, or json (default: text)
  --help            prints this text

Exit code: 0 if all rows are true, 1 otherwise.
`

runCommand('walkthrough', async () => {
  const { values } = readCommandLine({
    usage,
    options: {
      page: { type: 'string', default: '1' },
      format: { type: 'string', default: 'text' },
    },
  })
  const pages: Record<'1' | '2' | '3', (parts: WalkThroughParts) => Promise<Row[]>> = {
    1: async (parts) => rowsOf(await walkThrough(parts)),
    2: secondPage,
    3: thirdPage,
  }
  const page = pages[choiceOption('--page', values.page, ['1', '2', '3'])]
  const format = choiceOption('--format', values.format, ['text', 'json'])
  requireOptionalPackages()
  const system = await runningSystem(process.env)
  try {
    const rows = await page(system)
    const untrue = rows.filter((row) => !isTrue(row))
    console.log(format === 'json' ? JSON.stringify(rows, null, 2) : table(rows))
    if (untrue.length === 0) return 0
    console.error(`not true: ${untrue.map(({ step }) => `step ${step}`).join(', ')}`)
    return 1
  } finally {
    await system.close()
  }
})
