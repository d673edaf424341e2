/** The image of deploy/Dockerfile, really built and run: see build-image.sh. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../support/until.ts'

/** What runs it: buildah makes the image, debootstrap its base, runc a container. */
export const toolsOfTheImage = ['buildah', 'debootstrap', 'runc', 'npm']

const buildScript = fileURLToPath(new URL('build-image.sh', import.meta.url))

/** The part of an image's configuration that the tests read. */
export interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly WorkingDir: string
  readonly StopSignal: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

export interface Image {
  /** The folder of its files. */
  readonly root: string
  readonly config: ImageConfig
}

/** Returns the image, built in this folder; throws what the build printed last if it fails. */
export async function buildImage(folder: string): Promise<Image> {
  const build = spawn('bash', [buildScript, folder], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [printed, problems] = [outputOf(build.stdout), outputOf(build.stderr)]
  const [code] = (await once(build, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the image cannot be built: ${problems().slice(-3000)}`)
  const { Docker } = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8')) as {
    Docker: { config: ImageConfig }
  }
  return { root: printed().trim().split('\n').at(-1)!, config: Docker.config }
}

/** Removes the folder with the image, whose files are mounted. */
export function removeImage(folder: string): void {
  for (const target of mountsBelow(folder)) spawnSync('umount', [target])
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Returns the mounts in a folder, the innermost first. */
function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${folder}/`))
    .reverse()
}

export interface ContainerOptions {
  /** A folder of the test for the container's own files. */
  readonly folder: string
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** From a path of this machine to one in the container. */
  readonly mounts?: readonly { from: string; to: string; writable?: boolean }[]
}

export interface Container {
  /** What it has printed so far. */
  output(): string
  /** Its exit code. */
  readonly ended: Promise<number | null>
  /** Runs another command in it, as its user. */
  exec(words: readonly string[]): { status: number | null; output: string }
  signal(name: string): void
  remove(): void
}

/**
 * Starts a container with a read-only root, as the user of the image, without any capability, in the
 * network of this machine.
 */
export function runContainer(image: Image, name: string, options: ContainerOptions): Container {
  const id = `${name}-${process.pid}`
  const bundle = join(options.folder, name)
  mkdirSync(bundle, { recursive: true })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(runtimeConfig(image, options)))
  const child = spawn('runc', ['run', '--bundle', bundle, id], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = bothOutputs(child)
  return {
    output,
    ended: once(child, 'close').then(([code]) => code as number | null),
    exec(words) {
      const { status, stdout, stderr } = spawnSync('runc', ['exec', id, ...words], {
        encoding: 'utf8',
      })
      return { status, output: `${stdout}${stderr}` }
    },
    signal: (signal) => void spawnSync('runc', ['kill', id, signal]),
    remove: () => void spawnSync('runc', ['delete', '--force', id]),
  }
}

/** Returns the URL at which the process in the container listens. */
export async function listeningAt(container: Container): Promise<string> {
  let code: number | null | undefined
  void container.ended.then((given) => (code = given))
  return until(
    () => {
      const [, url] = / listening on (http:\S+)/.exec(container.output()) ?? []
      if (url === undefined && code !== undefined) {
        throw new Error(`the process ended with ${code}: ${container.output()}`)
      }
      return url
    },
    { atMost: 60_000 },
  )
}

/** A bundle of the OCI runtime specification. */
function runtimeConfig(
  { root, config }: Image,
  { words, env = {}, mounts = [] }: ContainerOptions,
) {
  const [uid, gid] = config.User.split(':').map(Number)
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const names = new Set(Object.keys(env))
  const ofTheImage = config.Env.filter((line) => !names.has(line.split('=')[0]!))
  return {
    ociVersion: '1.0.2',
    root: { path: root, readonly: true },
    process: {
      user: { uid, gid },
      args: [...config.Entrypoint, ...(words.length > 0 ? words : config.Cmd)],
      env: [...ofTheImage, ...set],
      cwd: config.WorkingDir,
      noNewPrivileges: true,
      capabilities: {},
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      {
        destination: '/tmp',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'noexec', 'mode=1777'],
      },
      ...mounts.map(({ from, to, writable }) => ({
        destination: to,
        type: 'bind',
        source: from,
        options: ['rbind', writable ? 'rw' : 'ro'],
      })),
    ],
    linux: {
      // Its own processes: node is number 1, to which no signal has a default action.
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  }
}

function bothOutputs(child: ChildProcess): () => string {
  const [out, err] = [outputOf(child.stdout!), outputOf(child.stderr!)]
  return () => `${out()}${err()}`
}

function outputOf(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  return () => text
}
