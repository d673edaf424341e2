/** A contender: Grafbase, a gateway in Rust. It authenticates nobody: it only passes the token on. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withoutAuthorization } from './contender.ts'
import type { Contender } from './contender.ts'
import { freePort, runningProgram, untilResponding } from './contender-process.ts'
import type { BenchSetting } from './setting.ts'

/**
 * Returns Grafbase as its command line for development runs it: the package has no other program. Its
 * plugins for tokens and for authorization are downloads, so it runs without.
 */
export function grafbase(name: string, peers: string): Contender {
  return {
    name,
    executes: withoutAuthorization,
    async start(setting) {
      const program = join(peers, 'node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase')
      if (!existsSync(program)) return undefined
      // Its page for browsers and its caches are written to the current folder and to the home folder.
      const folder = join(setting.folder, 'grafbase')
      mkdirSync(folder)
      const port = await freePort()
      const config = join(folder, 'grafbase.toml')
      writeFileSync(config, grafbaseConfig(setting, port))
      const child = spawn(program, ['dev', '--config', config], {
        cwd: folder,
        env: { HOME: folder, PATH: process.env['PATH'], DO_NOT_TRACK: '1' },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      const url = `http://127.0.0.1:${port}/graphql`
      await untilResponding(url, child)
      return runningProgram({ name, executes: withoutAuthorization }, url, child)
    },
  }
}

function grafbaseConfig({ subgraphs, schemas }: BenchSetting, port: number): string {
  const sections = Object.entries(subgraphs).map(
    ([name, url]) => `
[subgraphs.${name}]
url = "${url}"
schema_path = "${schemas[name]!}"
`,
  )
  return `[network]
listen_address = "127.0.0.1:${port}"
[traffic_shaping]
inflight_deduplication = false
[[headers]]
rule = "forward"
name = "authorization"
${sections.join('')}`
}
