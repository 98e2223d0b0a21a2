// SPDX-License-Identifier: Apache-2.0
// How many bytes each part of the screen has had lately, so that the part that has had the least is served next. The
// screen is cut into tiles of 64x64 pixels; what a tile has had is forgotten with a time constant of 2 s. Large draws
// are accounted for in blocks of 8x8 tiles, so that no draw costs more than 256 additions. The memory is fixed: tiles of
// different surfaces may share an account, and what lies beyond 8192 pixels belongs to the last tile. Either makes an
// order less fair, never wrong.
import type { Box } from './box.js';

/** Time constant of forgetting, ms. */
const DECAY_MS = 2000;
/** log2 of a tile's side in pixels. */
const TILE_SHIFT = 6;
/** log2 of a block's side in tiles. */
const BLOCK_SHIFT = 3;
/** Tiles in a block. */
const BLOCK_TILES = 1 << (2 * BLOCK_SHIFT);
/** log2 of the tiles in a row, and of the rows. */
const GRID_SHIFT = 7;
const GRID_TILES = 1 << GRID_SHIFT;
const BLOCKS_SHIFT = GRID_SHIFT - BLOCK_SHIFT;
const MAX_PIXEL = (GRID_TILES << TILE_SHIFT) - 1;
/** Sums are kept as they were at a time of reference; after this time it is moved, before they get too large. */
const REFERENCE_MS = 20 * DECAY_MS;
/** Bytes per tile: a region with less is cold whatever the others have. */
const COLD_BYTES = 600;
/** A region is cold with less than this part of what a served region has typically had. */
const COLD_SHARE = 1 / 8;

/** The tiles (or blocks) of a region: found once for a draw, used whenever it is compared or charged. */
export interface Region {
  readonly firstColumn: number;
  readonly lastColumn: number;
  readonly firstRow: number;
  readonly lastRow: number;
  /** The numbers are those of blocks. */
  readonly blocks: boolean;
  /** Tiles in the region, also where it is made of blocks. */
  readonly tiles: number;
  /** Set apart the surfaces. */
  readonly salt: number;
}

/** The tiles that a box touches. */
export function regionOf(surface: number, box: Box): Region {
  const left = clamp(box.left) >> TILE_SHIFT;
  const right = clamp(box.right - 1) >> TILE_SHIFT;
  const top = clamp(box.top) >> TILE_SHIFT;
  const bottom = clamp(box.bottom - 1) >> TILE_SHIFT;
  const tiles = (right - left + 1) * (bottom - top + 1);
  const blocks = tiles > BLOCK_TILES;
  const shift = blocks ? BLOCK_SHIFT : 0;
  return {
    firstColumn: left >> shift,
    lastColumn: right >> shift,
    firstRow: top >> shift,
    lastRow: bottom >> shift,
    blocks,
    tiles,
    salt: Math.imul(surface, 0x9e3779b1) >>> (32 - 2 * GRID_SHIFT),
  };
}

/** Bytes sent per region, decaying. All times are monotonic milliseconds; one that is earlier than the last counts as it. */
export class RegionUsage {
  /** Per tile, bytes that were charged to draws of a few tiles. */
  private readonly tiles = new Float64Array(1 << (2 * GRID_SHIFT));
  /** Per block, bytes per tile that were charged to large draws. */
  private readonly blocks = new Float64Array(1 << (2 * BLOCKS_SHIFT));
  /** Per block, the sum over its `tiles`. */
  private readonly sums = new Float64Array(1 << (2 * BLOCKS_SHIFT));
  private total = 0;
  private squares = 0;
  private reference = 0;
  private latest = 0;

  /** Bytes per tile that the region has had lately. */
  density(region: Region, at: number): number {
    return this.stored(region) / this.growth(at);
  }

  /** The same up to a factor that is common to all regions at one time: enough, and quicker, to compare them. */
  stored(region: Region): number {
    let sum = 0;
    let cells = 0;
    for (let row = region.firstRow; row <= region.lastRow; row++) {
      for (let column = region.firstColumn; column <= region.lastColumn; column++) {
        sum += region.blocks
          ? this.storedInBlock(region, column, row)
          : this.storedInTile(region, column, row);
        cells++;
      }
    }
    return sum / cells;
  }

  /** The factor between {@link stored} and bytes at a time. */
  growth(at: number): number {
    this.latest = Math.max(this.latest, at);
    if (this.latest - this.reference > REFERENCE_MS) this.moveReference();
    return Math.exp((this.latest - this.reference) / DECAY_MS);
  }

  /** Bytes were sent into the region. */
  charge(region: Region, bytes: number, at: number): void {
    const each = (bytes / region.tiles) * this.growth(at);
    for (let row = region.firstRow; row <= region.lastRow; row++) {
      for (let column = region.firstColumn; column <= region.lastColumn; column++) {
        if (region.blocks) this.chargeBlock(blockIndex(column, row, region.salt), each);
        else this.chargeTile(region, column, row, each);
      }
    }
  }

  /** Whether the region has had hardly anything lately, or far less than what is served has. */
  isCold(region: Region, at: number): boolean {
    const growth = this.growth(at);
    const typical = this.total > 0 ? this.squares / this.total : 0;
    return this.stored(region) < Math.max(COLD_BYTES * growth, typical * COLD_SHARE);
  }

  private storedInTile(region: Region, column: number, row: number): number {
    const block = blockIndex(column >> BLOCK_SHIFT, row >> BLOCK_SHIFT, region.salt);
    return (this.tiles[tileIndex(column, row, region.salt)] ?? 0) + (this.blocks[block] ?? 0);
  }

  private storedInBlock(region: Region, column: number, row: number): number {
    const block = blockIndex(column, row, region.salt);
    return (this.sums[block] ?? 0) / BLOCK_TILES + (this.blocks[block] ?? 0);
  }

  private chargeTile(region: Region, column: number, row: number, each: number): void {
    const tile = tileIndex(column, row, region.salt);
    const before = this.tiles[tile] ?? 0;
    this.tiles[tile] = before + each;
    const block = blockIndex(column >> BLOCK_SHIFT, row >> BLOCK_SHIFT, region.salt);
    this.sums[block] = (this.sums[block] ?? 0) + each;
    this.total += each;
    this.squares += (2 * before + each) * each;
  }

  private chargeBlock(block: number, each: number): void {
    const before = this.blocks[block] ?? 0;
    this.blocks[block] = before + each;
    this.total += each * BLOCK_TILES;
    this.squares += (2 * before + each) * each * BLOCK_TILES;
  }

  private moveReference(): void {
    const factor = Math.exp((this.reference - this.latest) / DECAY_MS);
    for (const sums of [this.tiles, this.blocks, this.sums])
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) * factor;
    this.total *= factor;
    this.squares *= factor * factor;
    this.reference = this.latest;
  }
}

function clamp(pixel: number): number {
  return Math.min(Math.max(pixel, 0), MAX_PIXEL);
}

function tileIndex(column: number, row: number, salt: number): number {
  return ((row << GRID_SHIFT) | column) ^ salt;
}

function blockIndex(column: number, row: number, salt: number): number {
  return ((row << BLOCKS_SHIFT) | column) ^ (salt >> (2 * BLOCK_SHIFT));
}
