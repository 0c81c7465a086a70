import { readFileSync } from 'node:fs';
const dir = process.argv[2];
export const D = 64, T = 16, W = D + 4 * D + 4 * (D + 1);
const load = (n) => { const b = readFileSync(`${dir}/${n}.bin`); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); };
const laws = ['continuity','permanence-visible','solidity','size-change','inertia','floating','gravity-reversed','action-violation','permanence-occluded'];
const ord = load('ordinary'); const NC = ord.length / W / T;
const H = [1, 2, 4, 8];
const nh = (t) => H.filter((h) => t - h + 1 >= 4).length;
const half = (c) => Math.floor(c / 96) % 2;
export function chol(vecs, n) { // rows of n
  const N = vecs.length / n, mean = new Float64Array(n);
  for (let i = 0; i < vecs.length; i++) mean[i % n] += vecs[i] / N;
  const C = new Float64Array(n * n);
  const d = new Float64Array(n);
  for (let r = 0; r < N; r++) { for (let i = 0; i < n; i++) d[i] = vecs[r * n + i] - mean[i]; for (let i = 0; i < n; i++) { const di = d[i] / N; for (let j = 0; j <= i; j++) C[i * n + j] += di * d[j]; } }
  let tr = 0; for (let i = 0; i < n; i++) tr += C[i * n + i];
  for (let i = 0; i < n; i++) C[i * n + i] += 1e-3 * tr / n;
  const F = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) { let s = C[i * n + j]; for (let k = 0; k < j; k++) s -= F[i * n + k] * F[j * n + k]; F[i * n + j] = i === j ? Math.sqrt(s) : s / F[j * n + j]; }
  return { mean, F, n };
}
export function maha({ mean, F, n }, v, off = 0) {
  const s = new Float64Array(n); let q = 0;
  for (let i = 0; i < n; i++) { let r = v[off + i] - mean[i]; for (let j = 0; j < i; j++) r -= F[i * n + j] * s[j]; s[i] = r / F[i * n + i]; q += s[i] * s[i]; }
  return q / n;
}
const zOff = 0, imOff = (h) => D + h * D, lgOff = (h) => 5 * D + h * (D + 1);
export function resid(rec, c, t, h, std) { const at = (c * T + t) * W; const o = new Float64Array(D); for (let d = 0; d < D; d++) { const r = rec[at + d] - rec[at + imOff(h) + d]; o[d] = std ? r / Math.exp(rec[at + lgOff(h) + d] / 2) : r; } return o; }
// feature builders: each returns array of per horizon score for (rec,c,t); built from yardstick
const base = (rec, c, t) => { const at = (c * T + t) * W; const out = []; for (let h = 0; h < nh(t); h++) { let e = 0; for (let d = 0; d < D; d++) { const r = rec[at + d] - rec[at + imOff(h) + d]; e += r * r / D; } out.push(e / Math.exp(rec[at + lgOff(h) + D])); } return out; };
const perDim = (rec, c, t) => { const out = []; for (let h = 0; h < nh(t); h++) { const u = resid(rec, c, t, h, true); let e = 0; for (const x of u) e += x * x / D; out.push(e); } return out; };
function mahaFeature(std, pool = 1) {
  const models = H.map((_, h) => { const rows = []; for (let c = 0; c < NC; c++) if (half(c) === 0) for (let t = 4; t < T; t++) if (nh(t) > h) rows.push(resid(ord, c, t, h, std)); const flat = new Float64Array(rows.length * D); rows.forEach((r, i) => flat.set(r, i * D)); return chol(flat, D); });
  return (rec, c, t) => { const out = []; for (let h = 0; h < nh(t); h++) out.push(maha(models[h], resid(rec, c, t, h, std))); return out; };
}
const sorted = (a) => Float64Array.from(a).sort();
export function evaluate(name, feature, { q = .99, sub = [0,1,2,3], win = 1, group = true } = {}) {
  const yard = H.map(() => []), all = [];
  for (let c = 0; c < NC; c++) for (let t = 4; t < T; t++) { const f = feature(ord, c, t); if (half(c) === 0) f.forEach((v, h) => yard[h].push(v)); else all.push([nh(t), f]); }
  const scales = yard.map((y) => { const s = sorted(y); return s[Math.ceil(q * s.length) - 1]; });
  const score = (f) => Math.max(...f.map((v, h) => sub.includes(h) ? v / scales[h] : 0));
  const groups = [1, 2, 3, 4].map((g) => sorted(all.filter(([n]) => n === g).map(([, f]) => score(f))));
  const thr = groups.map((s) => s[s.length - Math.floor(1e-3 * (s.length + 1)) ] ?? Infinity);
  const line = [];
  for (const law of laws) {
    const rec = load(`v-${law}`), first = load(`first-${law}`);
    let found = 0, total = 0;
    for (let c = 0; c < 200; c++) { const s = first[c]; if (s < 4) continue; total++; let hit = false; for (let t = s; t < Math.min(T, s + 3); t++) if (score(feature(rec, c, t)) >= thr[nh(t) - 1]) hit = true; if (hit) found++; }
    line.push(`${law.slice(0, 9)} ${(100 * found / total).toFixed(1)}`);
  }
  console.log(name.padEnd(26), 'thr', thr.map((x) => x.toFixed(2)).join(' '), '|', line.join('  '));
}


const sts = load('states'); const kinds=['fall','projectile','ramp','collide','bounce','push','pendulum','occlude'];
const yard=H.map(()=>[]); const tops=[];
for (let c=0;c<NC;c++) for (let t=4;t<T;t++){const f=base(ord,c,t); f.forEach((v,h)=>yard[h].push(v));}
const sc=yard.map(y=>sorted(y)[Math.ceil(.99*y.length)-1]); console.log('scales',sc);
for (let c=0;c<NC;c++) for (let t=4;t<T;t++){const f=base(ord,c,t).map((v,h)=>v/sc[h]); tops.push([Math.max(...f),c,t,f]);}
for (const g of [1,2,3,4]) { const l=tops.filter(x=>nh(x[2])===g).sort((a,b)=>b[0]-a[0]); const n=Math.floor(l.length*1e-3);
 const cnt={}; for (const x of l.slice(0,n)) {const k=kinds[sts[(x[1]*16+x[2])*12+10]]; cnt[k]=(cnt[k]??0)+1;} console.log('group',g,n,cnt,'which h',[0,1,2,3].map(h=>l.slice(0,n).filter(x=>x[3][h]===x[0]).length).join());
 for (const x of l.slice(0,3)) console.log('  ',x[0].toFixed(2),x[1],x[2],kinds[sts[(x[1]*16+x[2])*12+10]],x[3].map(v=>v.toFixed(2)).join(' '),'pos',[0,1,2].map(b=>[0,1].map(k=>sts[(x[1]*16+x[2]-2+b)*12+k].toFixed(2)).join(',')).join(' > '));
}
const rec=load('v-solidity'), first=load('first-solidity'), ss=load('st-solidity'); const thr=[1.58,1.48,2.55,3.64];
for (let c=0;c<200;c++){const s=first[c]; if(s<4) continue; const fs=[0,1,2].filter(k=>s+k<T).map(k=>base(rec,c,s+k).map((v,h)=>v/sc[h])); if (fs.some((f,k)=>Math.max(...f)>=thr[nh(s+k)-1])) continue;
 console.log('miss',c,'first',s,kinds[ss[(c*16)*12+10]],fs.map((f,k)=>f.map(v=>v.toFixed(2)).join(' ')+' @'+[0,1].map(q=>ss[(c*16+s+k)*12+q].toFixed(2))).join(' | '));}
