/** Draws the figures of the benchmark as an SVG picture of bars. */
import { floorName } from './contenders.ts'
import { operations } from './operations.ts'
import type { Report, Row } from './report.ts'

const width = 960
const left = 400
const right = 60
const barHeight = 14
const rowHeight = 18
const headingHeight = 22
const groupGap = 16
const top = 112
const ownName = 'Portcullis'

/** Returns the picture: for each operation, with the most tokens that it has, one bar for each contender. */
export function picture({ date, node, processors, rows }: Report): string {
  const bars = rows.filter((row) => row.contender !== floorName && hasMostTokens(row, rows))
  const axis = axisFor(Math.max(1, ...bars.map(({ toFloor }) => toFloor)))
  const shapes: string[] = []
  let y = top
  for (const operation of new Set(bars.map((bar) => bar.operation))) {
    const group = bars.filter((bar) => bar.operation === operation)
    shapes.push(text(24, y + 12, headingOf(operation), 'operation'))
    y += headingHeight
    const end = y + group.length * rowHeight
    shapes.push(...axis.ticks.map((ratio) => line('tick', axis.x(ratio), y - 2, end)))
    for (const [index, bar] of group.entries()) {
      shapes.push(...barOf(bar, axis, y + index * rowHeight, sharesQueries(bar, rows)))
    }
    // A ratio of 1 is the hand-written program; its line is above the bars.
    shapes.push(line('floor', axis.x(1), y - 2, end))
    y = end + groupGap
  }
  const labels = axis.ticks.map((ratio) => text(axis.x(ratio), y + 16, String(ratio), 'label'))
  const height = y + 62
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${title}: ${unit}</title>
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}"/>
${text(24, 34, title, 'title')}
${text(24, 58, 'Shorter is better. 10,000 access tokens, or one for the last operations; the line at 1 is the hand-written program.', 'note')}
${text(24, 76, '* Fewer requests to subgraphs: equal queries of several requests that run at the same time are sent once.', 'note')}
${shapes.join('\n')}
${labels.join('\n')}
${text((left + width - right) / 2, y + 36, unit, 'label')}
${text(24, height - 8, `${date.slice(0, 10)}, Node ${node}, ${processors}`, 'note')}
</svg>
`
}

interface Axis {
  readonly ticks: readonly number[]
  /** Returns the position of a ratio. */
  x(ratio: number): number
}

function axisFor(longest: number): Axis {
  const step = [1, 2, 5, 10, 20, 50, 100].find((size) => longest / size <= 10) ?? 200
  const count = Math.ceil(longest / step)
  return {
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
    x: (ratio) => left + (ratio / (count * step)) * (width - left - right),
  }
}

function headingOf(operation: string): string {
  const about = operations.find(({ name }) => name === operation)?.about
  return about === undefined ? operation : `${operation}: ${about}`
}

function line(kind: string, x: number, from: number, to: number): string {
  return `<line class="${kind}" x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${from}" y2="${to}"/>`
}

function barOf({ contender, toFloor }: Row, { x }: Axis, y: number, isMarked: boolean): string[] {
  const end = x(toFloor)
  const kind = contender.startsWith(ownName) ? 'own' : 'other'
  return [
    text(left - 8, y + 11, isMarked ? `${contender} *` : contender, 'contender'),
    `<rect class="${kind}" x="${left}" y="${y}" width="${(end - left).toFixed(1)}" height="${barHeight}"/>`,
    text(end + 6, y + 11, toFloor.toFixed(toFloor < 10 ? 1 : 0), 'figure'),
  ]
}

const title = 'What a request costs in each gateway'
const unit = 'CPU time per request relative to a hand-written program'

/** The picture follows the colours of the page that shows it. */
const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.ground { fill: #ffffff }
.title { font-size: 18px; font-weight: 600 }
.operation { font-size: 14px; font-weight: 600 }
.contender { text-anchor: end }
.label { text-anchor: middle }
.figure { stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
.note { fill: #59636e }
.tick { stroke: #d1d9e0 }
.floor { stroke: #1f2328; stroke-dasharray: 3 3 }
.own { fill: #0969da }
.other { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .ground { fill: #0d1117 }
  .note { fill: #9198a1 }
  .figure { stroke: #0d1117 }
  .tick { stroke: #3d444d }
  .floor { stroke: #f0f6fc }
  .own { fill: #4493f8 }
  .other { fill: #656c76 }
}
`

function hasMostTokens({ operation, tokens }: Row, rows: readonly Row[]): boolean {
  return !rows.some((other) => other.operation === operation && other.tokens > tokens)
}

/** Returns whether a contender makes fewer requests to subgraphs than the floor does for an operation. */
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
