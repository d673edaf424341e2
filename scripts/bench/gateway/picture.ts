/** Draws the figures of the benchmark as an SVG picture of bars. */
import { floorName } from './contenders.ts'
import { operations } from './operations.ts'

/** What a run of the benchmark found; `--json FILE` writes it. */
export interface Report {
  /** ISO 8601. */
  readonly date: string
  readonly node: string
  readonly processors: string
  readonly connections: number
  readonly rows: readonly Row[]
}

/** The figures of one contender with one operation. */
export interface Row {
  readonly contender: string
  readonly operation: string
  readonly tokens: number
  /** Microseconds of CPU time per request. */
  readonly cpu: number
  /** CPU time relative to the floor. */
  readonly toFloor: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Resident memory in MB, after the measurement. */
  readonly memory: number
  /** Requests to subgraphs per request. */
  readonly calls: number
}

const width = 960
const left = 400
const right = 60
const barHeight = 14
const rowHeight = 18
const groupGap = 34
const top = 112
const ownName = 'Portcullis'

/** Returns the picture: for each operation with one token, one bar for each contender. */
export function picture({ date, node, processors, rows }: Report): string {
  const bars = rows.filter(({ tokens, contender }) => tokens === 1 && contender !== floorName)
  const longest = Math.max(1, ...bars.map(({ toFloor }) => toFloor))
  const step = [1, 2, 5, 10, 20, 50, 100].find((size) => longest / size <= 10) ?? 200
  const end = Math.ceil(longest / step) * step
  const x = (ratio: number) => left + (ratio / end) * (width - left - right)
  const ticks = Array.from({ length: end / step + 1 }, (_, index) => index * step)
  // A ratio of 1 is the hand-written program itself.
  const lines = (from: number, to: number) =>
    [...new Set([...ticks, 1])].map((ratio) => {
      const at = x(ratio).toFixed(1)
      const kind = ratio === 1 ? 'floor' : 'tick'
      return `<line class="${kind}" x1="${at}" x2="${at}" y1="${from}" y2="${to}"/>`
    })
  const shapes: string[] = []
  let y = top
  for (const operation of new Set(bars.map((bar) => bar.operation))) {
    const about = operations.find(({ name }) => name === operation)?.about
    shapes.push(text(24, y + 12, about ? `${operation}: ${about}` : operation, 'operation'))
    y += 22
    const group = bars.filter((bar) => bar.operation === operation)
    shapes.push(...lines(y - 2, y + group.length * rowHeight))
    for (const bar of group) {
      const { toFloor } = bar
      const contender = sharesQueries(bar, rows) ? `${bar.contender} *` : bar.contender
      const length = (x(toFloor) - left).toFixed(1)
      const kind = contender.startsWith(ownName) ? 'own' : 'other'
      shapes.push(
        text(left - 8, y + 11, contender, 'contender'),
        `<rect class="${kind}" x="${left}" y="${y}" width="${length}" height="${barHeight}"/>`,
        text(x(toFloor) + 6, y + 11, toFloor.toFixed(toFloor < 10 ? 1 : 0), 'figure'),
      )
      y += rowHeight
    }
    y += groupGap - rowHeight
  }
  const labels = ticks.map((ratio) => text(x(ratio), y + 16, String(ratio), 'label'))
  const height = y + 62
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${title}: ${axis}</title>
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}"/>
${text(24, 34, title, 'title')}
${text(24, 58, 'Shorter is better. One access token; the line at 1 is the hand-written program, which makes the same requests to subgraphs.', 'note')}
${text(24, 76, '* Fewer requests to subgraphs: equal queries of several requests that run at the same time are sent once.', 'note')}
${shapes.join('\n')}
${labels.join('\n')}
${text((left + width - right) / 2, y + 36, axis, 'label')}
${text(24, height - 8, `${date.slice(0, 10)}, Node ${node}, ${processors}`, 'note')}
</svg>
`
}

const title = 'What a request costs in each gateway'
const axis = 'CPU time per request relative to a hand-written program'

/** The picture follows the colours of the page that shows it. */
const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.ground { fill: #ffffff }
.title { font-size: 18px; font-weight: 600 }
.operation { font-size: 14px; font-weight: 600 }
.contender { text-anchor: end }
.label { text-anchor: middle }
.note { fill: #59636e }
.tick { stroke: #d1d9e0 }
.floor { stroke: #1f2328; stroke-dasharray: 3 3 }
.own { fill: #0969da }
.other { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .ground { fill: #0d1117 }
  .note { fill: #9198a1 }
  .tick { stroke: #3d444d }
  .floor { stroke: #f0f6fc }
  .own { fill: #4493f8 }
  .other { fill: #656c76 }
}
`

/** Says whether a contender makes fewer requests to subgraphs than the floor does for an operation. */
function sharesQueries({ operation, tokens, calls }: Row, rows: readonly Row[]): boolean {
  const floor = rows.find(
    (row) => row.contender === floorName && row.operation === operation && row.tokens === tokens,
  )
  return floor !== undefined && calls < floor.calls * 0.9
}

function text(x: number, y: number, words: string, kind: string): string {
  const escaped = words.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}">${escaped}</text>`
}
