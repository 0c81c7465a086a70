/** One picture of a player: a film strip in memory and the canvas it is drawn on. */
interface Screen {
  readonly strip: HTMLImageElement;
  readonly pictures: number;
  readonly paths: readonly (readonly (readonly [number, number] | null)[])[];
  readonly canvas: HTMLCanvasElement;
}

/** Least width of a canvas: the small pictures of a world are enlarged to whole multiples, their pixels stay square. */
const leastWidth = 256;
/** Time that the last frame stays, in frames. */
const pauseAtEnd = 5;

/** Plays the film strips inside of it: canvases that run together, a button, a slider, and a cursor in the chart below. */
class ClipPlayer extends HTMLElement {
  #screens: Screen[] = [];
  #frame = 0;
  #tick = 0;
  #timer = 0;
  #visible = false;
  #playing = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  #observer?: IntersectionObserver;
  readonly #button = document.createElement('button');
  readonly #slider = document.createElement('input');
  readonly #counter = document.createElement('output');

  connectedCallback(): void {
    if (this.#screens.length === 0) this.#build();
    this.#observer = new IntersectionObserver((entries) => {
      this.#visible = entries.some(({ isIntersecting }) => isIntersecting);
      this.#run();
    });
    this.#observer.observe(this);
  }

  disconnectedCallback(): void {
    this.#observer?.disconnect();
    this.#visible = false;
    this.#run();
  }

  get playing(): boolean {
    return this.#playing;
  }

  set playing(playing: boolean) {
    this.#playing = playing;
    if (playing && this.#frame === this.#frames - 1) this.#tick = -1;
    this.#run();
  }

  get #frames(): number {
    return Number(this.dataset.frames);
  }

  #build(): void {
    const name = this.dataset.name ?? '';
    this.#screens = [...this.querySelectorAll('img')].map((strip) => {
      const canvas = document.createElement('canvas');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', strip.alt);
      const screen: Screen = {
        strip,
        canvas,
        pictures: Number(strip.dataset.pictures),
        paths: JSON.parse(strip.dataset.paths ?? '[]') as Screen['paths'],
      };
      const start = (): void => {
        const width = strip.naturalWidth / screen.pictures;
        const scale = Math.ceil(leastWidth / width);
        canvas.width = width * scale;
        canvas.height = strip.naturalHeight * scale;
        strip.replaceWith(canvas);
        this.#draw(screen);
      };
      if (strip.complete && strip.naturalWidth > 0) start();
      else strip.addEventListener('load', start, { once: true });
      return screen;
    });
    this.#button.type = 'button';
    this.#button.addEventListener('click', () => {
      this.playing = !this.#playing;
    });
    Object.assign(this.#slider, { type: 'range', min: '0', max: String(this.#frames - 1), value: '0' });
    this.#slider.setAttribute('aria-label', `Frame of ${name}`);
    this.#slider.addEventListener('input', () => {
      this.playing = false; // an assistive technology presses no key
      this.#tick = Number(this.#slider.value);
      this.#show(this.#tick);
    });
    // Before the slider has moved: its next place is counted from where it stands, which must not run away.
    const hold = (): void => {
      this.playing = false;
    };
    this.#slider.addEventListener('pointerdown', hold);
    this.#slider.addEventListener('keydown', ({ key }) => {
      if (/^(Arrow|Home|End|Page)/.test(key)) hold();
    });
    this.#counter.setAttribute('aria-hidden', 'true'); // the slider says the same
    const controls = document.createElement('div');
    controls.className = 'controls';
    controls.append(this.#button, this.#slider, this.#counter);
    this.querySelector('.views')?.after(controls);
    this.#show(0);
  }

  /** Starts or stops the clock as the state asks. */
  #run(): void {
    window.clearInterval(this.#timer);
    this.#button.textContent = this.#playing ? 'Pause' : 'Play';
    this.#button.setAttribute('aria-label', `${this.#button.textContent} ${this.dataset.name ?? ''}`);
    if (!this.#playing || !this.#visible) return;
    this.#timer = window.setInterval(() => {
      this.#tick = (this.#tick + 1) % (this.#frames + pauseAtEnd);
      this.#show(Math.min(this.#tick, this.#frames - 1));
    }, 1000 / Number(this.dataset.rate));
  }

  #show(frame: number): void {
    this.#frame = frame;
    const { remark = '', remarkFrame = 'Infinity' } = this.dataset;
    const said = `${frame + 1} of ${this.#frames}${frame >= Number(remarkFrame) ? `, ${remark}` : ''}`;
    this.#slider.value = String(frame);
    this.#slider.setAttribute('aria-valuetext', said);
    this.#counter.textContent = said;
    for (const screen of this.#screens) this.#draw(screen);
    for (const cursor of this.querySelectorAll<SVGLineElement>('line.cursor')) {
      const x = String(Number(cursor.dataset.x) + (frame + 1) * Number(cursor.dataset.step));
      cursor.setAttribute('x1', x);
      cursor.setAttribute('x2', x);
    }
  }

  #draw({ strip, canvas, pictures, paths }: Screen): void {
    const context = canvas.getContext('2d');
    if (!context || !canvas.isConnected) return;
    const width = strip.naturalWidth / pictures;
    const left = Math.min(this.#frame, pictures - 1) * width;
    context.imageSmoothingEnabled = false;
    context.drawImage(strip, left, 0, width, strip.naturalHeight, 0, 0, canvas.width, canvas.height);
    for (const [index, points] of paths.entries()) this.#drawPath(context, points, index);
  }

  /** The way so far as a line, the place at this frame as a ring; on a dark seam, to be seen on any picture. */
  #drawPath(
    context: CanvasRenderingContext2D,
    points: readonly (readonly [number, number] | null)[],
    index: number,
  ): void {
    const { width, height } = context.canvas;
    const walked = points.slice(0, this.#frame + 1).filter((point) => point !== null);
    const here = points[this.#frame];
    const colour = getComputedStyle(this).getPropertyValue(`--series-${index}`);
    const unit = width / leastWidth;
    context.lineJoin = context.lineCap = 'round';
    for (const [style, extra] of [
      ['#fff', 2.5],
      [colour, 0],
    ] as const) {
      context.strokeStyle = style;
      context.lineWidth = (2 + extra) * unit;
      context.beginPath();
      for (const [x, y] of walked) context.lineTo(x * width, y * height);
      context.stroke();
      if (!here) continue;
      context.beginPath();
      context.arc(here[0] * width, here[1] * height, 6 * unit, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

customElements.define('clip-player', ClipPlayer);
