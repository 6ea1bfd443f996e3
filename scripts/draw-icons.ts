// Draws the program's icon, a tuning fork on a rounded square, into resources/icons. Run by hand when the drawing
// changes: `npx node scripts/draw-icons.ts`. The drawing is a few distances, so every size is sharp.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'

const folder = fileURLToPath(new URL('../resources/icons', import.meta.url))
const ground = [11, 122, 94] as const
const fork = [255, 255, 255] as const

/** Distances in units of the icon's width, negative inside. */
const length = (x: number, y: number): number => Math.hypot(x, y)
const roundedSquare = (x: number, y: number, half: number, radius: number): number => {
  const dx = Math.abs(x) - half + radius
  const dy = Math.abs(y) - half + radius
  return length(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius
}
const segment = (x: number, y: number, fromY: number, toY: number, radius: number): number =>
  length(x, y - Math.min(Math.max(y, fromY), toY)) - radius
/** The lower half of a ring joins the two prongs. */
const bend = (x: number, y: number, radius: number, thickness: number): number =>
  y < 0 ? Number.POSITIVE_INFINITY : Math.abs(length(x, y) - radius) - thickness

function forkDistance(x: number, y: number): number {
  const thickness = 0.042
  const radius = 0.13
  const bendY = 0.02
  return Math.min(
    segment(Math.abs(x) - radius, y, -0.3, bendY, thickness),
    bend(x, y - bendY, radius, thickness),
    segment(x, y, bendY + radius, 0.32, thickness),
  )
}

/** RGBA rows; edges are blended over one pixel. */
function draw(size: number): Buffer {
  const rows = Buffer.alloc(size * (size * 4 + 1))
  const cover = (distance: number): number => Math.min(Math.max(0.5 - distance * size, 0), 1)
  for (let row = 0; row < size; row += 1)
    for (let column = 0; column < size; column += 1) {
      const x = (column + 0.5) / size - 0.5
      const y = (row + 0.5) / size - 0.5
      const light = cover(forkDistance(x, y))
      const at = row * (size * 4 + 1) + 1 + column * 4
      for (const channel of [0, 1, 2] as const)
        rows[at + channel] = Math.round(ground[channel] + (fork[channel] - ground[channel]) * light)
      rows[at + 3] = Math.round(255 * cover(roundedSquare(x, y, 0.47, 0.11)))
    }
  return rows
}

function chunk(name: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), body])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(body.length, 0)
  frame.writeUInt32BE(crc32(named), 4)
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)])
}

function png(size: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(draw(size), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

writeFileSync(join(folder, 'icon.png'), png(1024))
writeFileSync(join(folder, 'tray.png'), png(32))
