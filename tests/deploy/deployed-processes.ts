/** The processes as compose.yaml, the Kubernetes manifests and the systemd units start them, in one form. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

export const deployFolder = fileURLToPath(new URL('../../deploy/', import.meta.url))

/** Each process, by the name of its command, with the port on which it listens. */
export const ports = { gateway: 4000, auth: 4001, users: 4002 } as const
export type ProcessName = keyof typeof ports
export const processNames = Object.keys(ports) as ProcessName[]

export interface DeployedProcess {
  readonly way: 'compose' | 'kubernetes' | 'systemd'
  readonly name: ProcessName
  /** What follows the entry point of the image. */
  readonly words: readonly string[]
  /** Undefined: the value comes from elsewhere. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The names of the files of secrets that it gets. */
  readonly secrets: readonly string[]
  /** Where the files of secrets are, as the process sees it. */
  readonly secretsFolder: string
  /** In seconds: how long it may take to stop. */
  readonly grace: number
  readonly image?: string
}

/** The part of compose.yaml that the tests read. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly secrets: Readonly<Record<string, { readonly file?: string }>>
}

export interface ComposeService {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks?: readonly string[]
  readonly network_mode?: string
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly stop_grace_period: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly privileged?: boolean
}

/** The part of a Kubernetes object that the tests read. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> }
  readonly spec?: unknown
}

export function composeFile(): ComposeFile {
  return parse(read('compose.yaml'), { merge: true }) as ComposeFile
}

/** Returns the objects of deploy/kubernetes, without those that kustomize makes. */
export function manifests(): Manifest[] {
  return readdirSync(join(deployFolder, 'kubernetes'))
    .filter((file) => file !== 'kustomization.yaml')
    .flatMap((file) => parseAllDocuments(read(join('kubernetes', file))))
    .map((document) => document.toJS() as Manifest)
}

export function manifest<Spec>(kind: string, name: string): Spec {
  const found = manifests().find((each) => each.kind === kind && each.metadata.name === name)
  if (!found) throw new Error(`deploy/kubernetes has no ${kind} ${name}`)
  return found.spec as Spec
}

/** The part of a Deployment that the tests read. */
export interface DeploymentSpec {
  readonly template: {
    readonly spec: {
      readonly terminationGracePeriodSeconds: number
      readonly securityContext: object
      readonly containers: readonly Workload[]
      readonly volumes: readonly {
        readonly name: string
        readonly secret?: { readonly secretName: string }
      }[]
    }
  }
}

interface Workload {
  readonly image: string
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext: object
}

/** The settings of a unit, by name; several lines of a name are several values. */
export type Unit = ReadonlyMap<string, readonly string[]>

export function unitPath(name: ProcessName): string {
  return join(deployFolder, 'systemd', `portcullis-${name}.service`)
}

export function unit(name: ProcessName): Unit {
  const settings = new Map<string, string[]>()
  for (const line of readFileSync(unitPath(name), 'utf8').split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined) settings.set(key, [...(settings.get(key) ?? []), value!])
  }
  return settings
}

/** Returns all processes, of all ways. */
export function deployedProcesses(): DeployedProcess[] {
  return processNames.flatMap((name) => [inCompose(name), inKubernetes(name), inSystemd(name)])
}

function inCompose(name: ProcessName): DeployedProcess {
  const service = composeFile().services[name]!
  return {
    way: 'compose',
    name,
    words: service.command ?? [],
    environment: service.environment ?? {},
    secrets: service.secrets ?? [],
    secretsFolder: '/run/secrets',
    grace: seconds(service.stop_grace_period),
    image: service.image,
  }
}

function inKubernetes(name: ProcessName): DeployedProcess {
  const { spec } = manifest<DeploymentSpec>('Deployment', name).template
  const [container] = spec.containers
  return {
    way: 'kubernetes',
    name,
    words: container!.args,
    environment: Object.fromEntries(container!.env.map((each) => [each.name, each.value])),
    secrets: kubernetesSecrets(name),
    secretsFolder: container!.volumeMounts.find((mount) => mount.name === 'secrets')!.mountPath,
    grace: spec.terminationGracePeriodSeconds,
    image: container!.image,
  }
}

/** The files of the secret of a process, as docs/deployment.md makes it. */
function kubernetesSecrets(name: ProcessName): string[] {
  const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')
  const command =
    new RegExp(`create secret generic ${name} ((?:.*\\\\\\n)*.*)`).exec(page)?.[1] ?? ''
  return [...command.matchAll(/--from-file=(\S+)/g)].map(([, path]) => basename(path!))
}

function inSystemd(name: ProcessName): DeployedProcess {
  const settings = unit(name)
  const [start = ''] = settings.get('ExecStart') ?? []
  const assignments = (settings.get('Environment') ?? []).flatMap((line) => line.split(' '))
  return {
    way: 'systemd',
    name,
    words: start.split('portcullis.js ')[1]?.split(' ') ?? [],
    environment: Object.fromEntries(assignments.map((each) => each.split('=', 2))),
    secrets: (settings.get('LoadCredential') ?? []).map((line) => line.split(':')[0]!),
    secretsFolder: '%d',
    grace: seconds(settings.get('TimeoutStopSec')?.[0] ?? ''),
  }
}

function seconds(text: string): number {
  const [, number] = /^(\d+)s?$/.exec(text) ?? []
  return Number(number)
}

function read(file: string): string {
  return readFileSync(join(deployFolder, file), 'utf8')
}
