// Hands out the frames of the page's data, taken apart. They lie in packed chunks; a chunk is opened when a frame of it is
// wanted, and the last few stay open.

const CHUNKS_KEPT = 8;

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const { texts, frames } = JSON.parse(await new Response(stream).text());
  for (const frame of frames) {
    frame.nodes = frame.nodes.map(([text, ...place]) => {
      const [name, label, ...here] = texts[text];
      return [name, label, ...place, ...here];
    });
  }
  return frames;
}

export class FrameStore {
  constructor(frames) {
    this.frames = frames;
    this.places = new Map(frames.index.frame.map((frame, place) => [frame, place]));
    this.chunks = new Map(); // number of a chunk -> promise of its dissections; the one used last is the last
  }

  // Where a frame stands in the index, from 0; undefined when it is not there.
  place(frame) {
    return this.places.get(frame);
  }

  async load(frame) {
    const place = this.places.get(frame);
    if (place === undefined) throw new RangeError(`there is no frame ${frame}`);
    const number = Math.floor(place / this.frames.per);
    const chunk = this.chunks.get(number) ?? unpack(this.frames.chunks[number]);
    this.chunks.delete(number);
    this.chunks.set(number, chunk);
    if (this.chunks.size > CHUNKS_KEPT) this.chunks.delete(this.chunks.keys().next().value);
    return (await chunk)[place % this.frames.per];
  }
}
