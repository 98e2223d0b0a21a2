; SPDX-License-Identifier: Apache-2.0
; The boot target: the smallest guest that proves a desktop. Boots by BIOS from a disk or a floppy, sets a
; graphics mode, paints a fixed many-coloured pattern, shows typed keys, and reports them on COM1 and as a
; block of black and white cells that a screenshot can be decoded from (README.rst has the layout).
; Owns everything from the boot sector to the idle loop; no BIOS call is made after protected mode.
;
; Assemble: nasm -f bin -o boot-target.img boot.asm        (add -DFORCE_13H for the 320x200 fall back)

        bits 16
        org 0x7c00

%define IMAGE_SIZE   32768
%define SECTORS      16                 ; sectors of code after the boot sector
%define IDT          0x3000
%define STACK        0x5000
%define VBE_INFO     0x5000
%define MODE_INFO    0x5200
%define FONT         0x6000             ; 256 glyphs, 8x16, copied from the video BIOS
%define COM1         0x3f8
%define BLOCK_ROWS   12
%define HISTORY      16                 ; scancodes kept in the block
%define TEXT_MAX     456                ; 76 columns x 6 rows
%define FRAME_TICKS  4                  ; 100 Hz ticks per animation frame: 25 frames a second

start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, STACK
        sti
        cld
        jmp 0:load

; Reads the rest of the image behind the boot sector: by LBA where the BIOS can (disks), else by CHS (floppies).
load:   mov [drive], dl
        mov ah, 0x41
        mov bx, 0x55aa
        int 0x13
        jc .chs
        cmp bx, 0xaa55
        jne .chs
        mov si, packet
        mov ah, 0x42
        mov dl, [drive]
        int 0x13
        jnc stage2
.chs:   mov ah, 8
        mov dl, [drive]
        xor di, di
        int 0x13
        jc .fail
        and cx, 0x3f
        mov [per_track], cx
        movzx ax, dh
        inc ax
        mov [heads], ax
        xor ax, ax
        mov es, ax
        mov si, 1                       ; the next sector
        mov bx, 0x7e00
.next:  mov ax, si
        xor dx, dx
        div word [per_track]
        inc dx
        mov cl, dl
        xor dx, dx
        div word [heads]
        mov ch, al
        mov dh, dl
        mov dl, [drive]
        mov ax, 0x0201
        int 0x13
        jc .fail
        add bx, 512
        inc si
        cmp si, SECTORS
        jbe .next
        jmp stage2
.fail:  mov si, disk_error
.print: lodsb
        test al, al
        jz .halt
        mov ah, 0x0e
        xor bx, bx
        int 0x10
        jmp .print
.halt:  hlt
        jmp .halt

drive:      db 0
per_track:  dw 0
heads:      dw 0
packet:     db 16, 0
            dw SECTORS, 0x7e00, 0
            dq 1
disk_error: db "boot target: disk read error", 0

        times 510 - ($ - $$) db 0
        dw 0xaa55

; ---------------------------------------------------------------- real mode: font, graphics mode, A20
stage2: xor ax, ax
        mov es, ax
        mov ax, 0x1130
        mov bh, 6                       ; the 8x16 font of the video BIOS
        int 0x10
        push ds
        push es
        pop ds
        mov si, bp
        xor ax, ax
        mov es, ax
        mov di, FONT
        mov cx, 2048
        rep movsw
        pop ds
%ifdef FORCE_13H
        jmp vga13
%endif
        mov dword [VBE_INFO], "VBE2"
        mov ax, 0x4f00
        mov di, VBE_INFO
        int 0x10
        cmp ax, 0x004f
        jne vga13
        mov si, [VBE_INFO + 14]
        mov [modes], si
        mov ax, [VBE_INFO + 16]
        mov [modes + 2], ax
.mode:  les si, [modes]
        mov cx, [es:si]
        add word [modes], 2
        cmp cx, 0xffff
        je vga13
        mov [mode], cx
        xor ax, ax
        mov es, ax
        mov di, MODE_INFO
        mov ax, 0x4f01
        int 0x10
        cmp ax, 0x004f
        jne .mode
        mov al, [MODE_INFO]
        and al, 0x91                    ; supported, graphics, linear frame buffer
        cmp al, 0x91
        jne .mode
        cmp word [MODE_INFO + 18], 640
        jne .mode
        cmp word [MODE_INFO + 20], 480
        jne .mode
        cmp byte [MODE_INFO + 25], 32
        jne .mode
        mov bx, [mode]
        or bx, 0x4000
        mov ax, 0x4f02
        int 0x10
        cmp ax, 0x004f
        jne .mode
        movzx eax, word [MODE_INFO + 16]
        mov [pitch], eax
        mov eax, [MODE_INFO + 40]
        mov [frame_buffer], eax
        jmp protect

; No 640x480x32 mode: 320x200 with a palette of 3 bits red, 3 green, 2 blue; half of every measure.
vga13:  mov ax, 0x0013
        int 0x10
        mov dx, 0x3c8
        xor al, al
        out dx, al
        inc dx
        xor cx, cx
.entry: mov al, cl
        shr al, 5
        mov ah, 9
        mul ah
        out dx, al
        mov al, cl
        shr al, 2
        and al, 7
        mov ah, 9
        mul ah
        out dx, al
        mov al, cl
        and al, 3
        mov ah, 21
        mul ah
        out dx, al
        inc cl
        jnz .entry
        mov dword [pitch], 320
        mov dword [frame_buffer], 0xa0000
        mov dword [width], 320
        mov dword [height], 200
        mov dword [pixel_bytes], 1
        mov dword [store], store_8
        mov dword [scale], 1
        mov dword [animated_height], 72
        mov dword [ready_text], ready_13

protect:
        in al, 0x92
        or al, 2
        and al, 0xfe
        out 0x92, al
        cli
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:main

        align 8
gdt:    dq 0
        dq 0x00cf9a000000ffff
        dq 0x00cf92000000ffff
gdtr:   dw 23
        dd gdt
idtr:   dw 48 * 8 - 1
        dd IDT
modes:  dd 0
mode:   dw 0

; ---------------------------------------------------------------- protected mode
        bits 32
main:   mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov esp, STACK
        cld
        call serial_start
        call interrupts_start
        call paint_screen
        mov esi, [ready_text]
        call serial_text
        sti

idle:   cli
        mov eax, [ring_tail]
        cmp eax, [ring_head]
        jne .key
        cmp byte [animate], 0
        je .sleep
        mov eax, [ticks]
        sub eax, [next_frame]
        jns .frame
.sleep: sti
        hlt
        jmp idle
.key:   sti
        mov ebx, eax
        and ebx, 63
        movzx eax, byte [ring + ebx]
        inc dword [ring_tail]
        call on_scancode
        jmp idle
.frame: sti
        mov eax, [ticks]
        add eax, FRAME_TICKS
        mov [next_frame], eax
        inc dword [frame]
        call paint_animated
        call paint_block
        jmp idle

; ---------------------------------------------------------------- interrupts
interrupts_start:
        mov ecx, 48
        mov edi, IDT
        mov eax, on_fault
.gate:  cmp ecx, 16                     ; the last 16 gates are the interrupt lines
        jne .write
        mov eax, on_other
.write: mov [edi], ax
        mov word [edi + 2], 8
        mov word [edi + 4], 0x8e00
        mov word [edi + 6], 0           ; all code lies below 64 KiB
        add edi, 8
        loop .gate
        mov word [IDT + 32 * 8], on_tick
        mov word [IDT + 33 * 8], on_keyboard
        lidt [idtr]
        mov al, 0x11
        out 0x20, al
        out 0xa0, al
        mov al, 0x20
        out 0x21, al
        mov al, 0x28
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, 0xfc                    ; only timer and keyboard
        out 0x21, al
        mov al, 0xff
        out 0xa1, al
        mov al, 0x34                    ; timer: rate generator, 100 Hz
        out 0x43, al
        mov ax, 11932
        out 0x40, al
        mov al, ah
        out 0x40, al
.drain: in al, 0x64                     ; keys typed during the boot are lost on purpose
        test al, 1
        jz .done
        in al, 0x60
        jmp .drain
.done:  ret

on_tick:
        push eax
        inc dword [ticks]
        mov al, 0x20
        out 0x20, al
        pop eax
        iretd

on_keyboard:
        push eax
        push ebx
        in al, 0x60
        mov ebx, [ring_head]
        sub ebx, [ring_tail]
        cmp ebx, 64
        jae .full
        mov ebx, [ring_head]
        and ebx, 63
        mov [ring + ebx], al
        inc dword [ring_head]
.full:  mov al, 0x20
        out 0x20, al
        pop ebx
        pop eax
on_other:
        iretd

on_fault:
        mov esi, fault_text
        call serial_text
.stop:  cli
        hlt
        jmp .stop

; ---------------------------------------------------------------- serial port
serial_start:
        mov dx, COM1 + 3
        mov al, 0x80
        out dx, al
        mov dx, COM1
        mov al, 1                       ; 115200 baud
        out dx, al
        inc dx
        xor al, al
        out dx, al
        mov dx, COM1 + 3
        mov al, 3                       ; 8N1, no interrupts
        out dx, al
        dec dx
        mov al, 0xc7
        out dx, al
        mov dx, COM1 + 4
        mov al, 3
        out dx, al
        ret

; al = byte
serial_byte:
        push edx
        push ecx
        mov ah, al
        mov ecx, 100000
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 0x20
        jnz .send
        loop .wait
.send:  mov dx, COM1
        mov al, ah
        out dx, al
        pop ecx
        pop edx
        ret

; esi = text, NUL at the end
serial_text:
        lodsb
        test al, al
        jz .done
        call serial_byte
        jmp serial_text
.done:  ret

; al = value, two hexadecimal digits
serial_hex:
        push eax
        shr al, 4
        call .digit
        pop eax
        and al, 15
.digit: cmp al, 10
        jb .ten
        add al, 'a' - '0' - 10
.ten:   add al, '0'
        jmp serial_byte

; eax = value, decimal
serial_decimal:
        mov ebx, 10
        xor ecx, ecx
.split: xor edx, edx
        div ebx
        push edx
        inc ecx
        test eax, eax
        jnz .split
.out:   pop eax
        add al, '0'
        call serial_byte
        loop .out
        ret

serial_newline:
        mov al, 13
        call serial_byte
        mov al, 10
        jmp serial_byte

; ---------------------------------------------------------------- keyboard, scancode set 1
; al = byte from the controller
on_scancode:
        cmp byte [skip], 0
        je .first
        dec byte [skip]
        ret
.first: cmp al, 0xe1                    ; Pause: two more bytes, never a key here
        jne .ext
        mov byte [skip], 2
        ret
.ext:   cmp al, 0xe0
        jne .code
        mov byte [extended], 0x80
        ret
.code:  mov bl, al
        and bl, 0x7f                    ; bl = key, al = with the release bit
        mov bh, [extended]
        mov byte [extended], 0
        test bh, bh
        jz .plain
        cmp bl, 0x2a                    ; the shifts that a keyboard adds around an extended key
        je .done
        cmp bl, 0x36
        je .done
.plain: test al, 0x80
        jz .press
        call is_shift
        jne .up
        mov byte [shift], 0
.up:    mov esi, up_text
        jmp report
.press: call is_shift
        jne .count
        mov byte [shift], 1
.count: inc dword [keys]
        call remember
        mov esi, key_text
        call report
        test bh, bh
        jnz .paint
        call act
.paint: call paint_block
.done:  ret

; ZF set when bl is a shift key and no extended one
is_shift:
        test bh, bh
        jnz .no
        cmp bl, 0x2a
        je .yes
        cmp bl, 0x36
.yes:   ret
.no:    cmp bh, 0
        ret

; bl = key, bh = 0x80 when extended: the newest is the last of the history
remember:
        push edi
        push esi
        mov esi, block_history + 1
        mov edi, block_history
        mov ecx, HISTORY - 1
        rep movsb
        mov al, bl
        or al, bh
        mov [edi], al
        pop esi
        pop edi
        ret

; esi = first word of the line, bl/bh = key
report: call serial_text
        test bh, bh
        jz .code
        mov al, 0xe0
        call serial_hex
.code:  mov al, bl
        call serial_hex
        jmp serial_newline

; bl = key: commands and typed text
act:    cmp bl, 0x3b
        je toggle
        cmp bl, 0x3c
        je clear
        cmp bl, 0x0e
        je erase
        cmp bl, 0x1c
        je newline
        cmp bl, 0x39
        ja .none
        movzx ebx, bl
        cmp byte [shift], 0
        jne .upper
        mov al, [lower + ebx]
        jmp .put
.upper: mov al, [upper + ebx]
.put:   test al, al
        jnz type_char
.none:  ret

toggle: xor byte [animate], 1
        mov esi, animate_on
        cmp byte [animate], 0
        jne .on
        mov esi, animate_off
        call serial_text
        mov eax, [frame]
        call serial_decimal
        jmp serial_newline
.on:    mov eax, [ticks]
        mov [next_frame], eax
        jmp serial_text

clear:  mov edi, text
        mov ecx, TEXT_MAX
        mov al, ' '
        rep stosb
        mov dword [cursor], 0
        call paint_text
        mov esi, clear_text
        jmp serial_text

erase:  cmp dword [cursor], 0
        je .none
        dec dword [cursor]
        mov ebx, [cursor]
        mov byte [text + ebx], ' '
        jmp paint_glyph
.none:  ret

newline:
        mov eax, [cursor]
        xor edx, edx
        div dword [columns]
        inc eax
        mul dword [columns]
        mov [cursor], eax
        jmp scroll

; al = character
type_char:
        mov ebx, [cursor]
        mov [text + ebx], al
        inc dword [cursor]
        call paint_glyph
scroll: mov eax, [columns]
        mul dword [rows]
        cmp [cursor], eax
        jb .none
        mov ecx, eax
        sub ecx, [columns]
        mov esi, text
        add esi, [columns]
        mov edi, text
        rep movsb
        mov ecx, [columns]
        mov al, ' '
        rep stosb
        mov eax, [columns]
        sub [cursor], eax
        call paint_text
.none:  ret

; ---------------------------------------------------------------- painting
; Every painter fills [left] [top] [wide] [high] with what [shader] returns.
; A shader gets x in ebx and y in ebp and returns 0x00RRGGBB in eax; it may use edx.
paint:  pushad
        mov ebp, [top]
.row:   mov eax, ebp
        mul dword [pitch]
        mov edi, eax
        mov eax, [left]
        mov ebx, eax
        mul dword [pixel_bytes]
        add edi, eax
        add edi, [frame_buffer]
        mov ecx, [wide]
.pixel: call [shader]
        call [store]
        inc ebx
        dec ecx
        jnz .pixel
        inc ebp
        mov eax, [top]
        add eax, [high]
        cmp ebp, eax
        jb .row
        popad
        ret

store_32:
        stosd
        ret

; 0x00RRGGBB in eax -> the 3-3-2 palette
store_8:
        mov edx, eax
        shr edx, 16
        and edx, 0xe0
        mov esi, eax
        shr esi, 11
        and esi, 0x1c
        or edx, esi
        shr eax, 6
        and eax, 3
        or eax, edx
        stosb
        ret

shade_solid:
        mov eax, [colour]
        ret

; red x xor y, green 3x + y, blue 2y: every pixel differs from its neighbours, nothing depends on time
shade_pattern:
        lea eax, [ebx + ebx * 2]
        add eax, ebp
        movzx eax, al
        shl eax, 8
        mov edx, ebx
        xor edx, ebp
        movzx edx, dl
        shl edx, 16
        or eax, edx
        lea edx, [ebp + ebp]
        mov al, dl
        ret

; moves by 4 pixels a frame; frame 0 is what a guest that never animated shows
shade_animated:
        mov edx, [frame]
        lea eax, [ebx + edx * 4]
        movzx eax, al
        shl eax, 16
        lea edx, [ebp + edx * 2]
        mov ah, dl
        mov edx, ebx
        xor edx, ebp
        add edx, [frame]
        mov al, dl
        ret

paint_screen:
        mov dword [left], 0
        mov dword [top], 0
        mov eax, [width]
        mov [wide], eax
        mov eax, [height]
        mov [high], eax
        mov dword [shader], shade_pattern
        call paint
        mov eax, [scale]                ; the measures of the layout, in units of the small mode
        imul ecx, eax, 38
        mov [columns], ecx
        lea ecx, [eax + eax * 2]
        mov [rows], ecx
        mov dword [shader], shade_solid
        mov dword [colour], 0           ; a black frame of one cell around the block
        lea ecx, [eax * 4]
        mov [left], ecx
        mov [top], ecx
        imul ecx, eax, 136
        mov [wide], ecx
        imul ecx, eax, 56
        mov [high], ecx
        call paint
        mov ecx, [width]
        shr ecx, 4
        mov [block_size], cl            ; both in units of 16 and 8 pixels: one byte each
        mov ecx, [height]
        shr ecx, 3
        mov [block_size + 1], cl
        mov edi, text
        mov ecx, TEXT_MAX
        mov al, ' '
        rep stosb
        call paint_text
        call paint_animated
        call paint_block
        mov esi, title
        mov eax, [scale]
        imul ebx, eax, 148
        imul ebp, eax, 8
.title: lodsb
        test al, al
        jz .done
        call glyph
        add ebx, 8
        jmp .title
.done:  ret

paint_animated:
        mov eax, [scale]
        lea ecx, [eax * 8]
        mov [left], ecx
        imul ecx, eax, 120
        mov [top], ecx
        imul ecx, eax, 304
        mov [wide], ecx
        mov ecx, [animated_height]
        mov [high], ecx
        mov dword [shader], shade_animated
        jmp paint

paint_text:
        mov eax, [columns]
        mul dword [rows]
        mov ecx, eax
        xor ebx, ebx
.cell:  call paint_glyph
        inc ebx
        loop .cell
        ret

; ebx = index of the cell in the text
paint_glyph:
        pushad
        mov eax, ebx
        xor edx, edx
        div dword [columns]             ; eax = row, edx = column
        mov cl, [text + ebx]
        mov ebp, [scale]
        shl ebp, 6
        shl eax, 4
        add ebp, eax
        mov ebx, [scale]
        lea ebx, [ebx + edx]
        shl ebx, 3
        mov al, cl
        call glyph
        popad
        ret

; al = character, ebx = x, ebp = y: 8x16, white on dark blue
glyph:  pushad
        movzx esi, al
        shl esi, 4
        add esi, FONT
        mov [left], ebx
        mov ch, 16
.row:   mov eax, ebp
        mul dword [pitch]
        mov edi, eax
        mov eax, [left]
        mul dword [pixel_bytes]
        add edi, eax
        add edi, [frame_buffer]
        mov ah, [esi]
        inc esi
        push esi
        mov bl, ah
        mov cl, 8
.pixel: mov eax, 0x000040
        shl bl, 1
        jnc .put
        mov eax, 0xffffff
.put:   call [store]
        dec cl
        jnz .pixel
        pop esi
        inc ebp
        dec ch
        jnz .row
        popad
        ret

; ---------------------------------------------------------------- the block
paint_block:
        pushad
        mov al, [animate]
        mov [block_flags], al
        mov eax, [keys]
        bswap eax
        mov [block_keys], eax
        mov eax, [frame]
        bswap eax
        mov [block_frame], eax
        inc dword [sequence]
        mov eax, [sequence]
        bswap eax
        mov [block_sequence], eax
        mov esi, block
        mov ecx, block_crc - block
        call crc32
        bswap eax
        mov [block_crc], eax
        mov dword [shader], shade_solid
        mov eax, [scale]
        shl eax, 2
        mov [wide], eax
        mov [high], eax
        xor ebp, ebp                    ; row
.row:   mov edx, [block + ebp * 4]
        bswap edx
        cmp byte [painted], 0
        je .draw
        cmp edx, [shown + ebp * 4]      ; rows that did not change are not painted again
        je .next
.draw:  mov [shown + ebp * 4], edx
        mov eax, [scale]
        lea ecx, [ebp + 2]
        imul ecx, eax
        shl ecx, 2
        mov [top], ecx
        shl eax, 3
        mov [left], eax
        mov ecx, 32
.cell:  xor eax, eax
        shl edx, 1
        jnc .black
        mov eax, 0xffffff
.black: mov [colour], eax
        call paint
        mov eax, [wide]
        add [left], eax
        loop .cell
.next:  inc ebp
        cmp ebp, BLOCK_ROWS
        jb .row
        mov byte [painted], 1
        cmp dword [pixel_bytes], 1
        je .refresh
        popad
        ret

; QEMU 10.0 looks for changed pixels in the first quarter of mode 13h alone, but draws all of it when a colour changes:
; black has a trace of blue, another one each time.
.refresh:
        mov dx, 0x3c8
        xor al, al
        out dx, al
        inc dx
        out dx, al
        out dx, al
        mov al, [sequence]
        and al, 7
        out dx, al
        popad
        ret

; esi, ecx = bytes; returns CRC-32 (IEEE 802.3) in eax
crc32:  mov eax, 0xffffffff
.byte:  xor al, [esi]
        inc esi
        mov edx, 8
.bit:   shr eax, 1
        jnc .even
        xor eax, 0xedb88320
.even:  dec edx
        jnz .bit
        loop .byte
        not eax
        ret

; ---------------------------------------------------------------- data
ready_32:    db "READY 640x480x32", 13, 10, 0
ready_13:    db "READY 320x200x8", 13, 10, 0
fault_text:  db "FAULT", 13, 10, 0
key_text:    db "KEY ", 0
up_text:     db "UP ", 0
clear_text:  db "CLEAR", 13, 10, 0
animate_on:  db "ANIMATE on", 13, 10, 0
animate_off: db "ANIMATE off ", 0
title:       db " BOOT TARGET  F1 run ", 0

; Scancode set 1, keys 0x00..0x39, layout US; 0 = no character
lower:  db 0, 0, "1234567890-=", 0, 0, "qwertyuiop[]", 0, 0, "asdfghjkl;'`", 0, "\zxcvbnm,./", 0, "*", 0, " "
upper:  db 0, 0, "!@#$%^&*()_+", 0, 0, "QWERTYUIOP{}", 0, 0, 'ASDFGHJKL:"~', 0, "|ZXCVBNM<>?", 0, "*", 0, " "
%if upper - lower != 0x3a || $ - upper != 0x3a
%error the key tables must hold 0x3a entries
%endif

        align 4
block:          db "KSBT"               ; row 0: magic
                db 1                    ; row 1: version
block_flags:    db 0                    ;        bit 0: animating
block_size:     db 0, 0                 ;        width / 16, height / 8
block_keys:     dd 0                    ; row 2: keys pressed since the start
block_sequence: dd 0                    ; row 3: times that this block was painted
block_frame:    dd 0                    ; row 4: frames of the animation painted
                dd 0                    ; row 5: reserved
block_history:  times HISTORY db 0      ; rows 6-9: last scancodes, newest last; bit 7 marks an extended key
block_crc:      dd 0                    ; row 10: CRC-32 of rows 0-9
                dd 0xabbdacb4           ; row 11: the complement of the magic
%if $ - block != BLOCK_ROWS * 4
%error the block must hold BLOCK_ROWS words
%endif

pitch:          dd 0
frame_buffer:   dd 0
width:          dd 640
height:         dd 480
pixel_bytes:    dd 4
store:          dd store_32
scale:          dd 2
animated_height: dd 224
ready_text:     dd ready_32
columns:        dd 0
rows:           dd 0
left:           dd 0
top:            dd 0
wide:           dd 0
high:           dd 0
colour:         dd 0
shader:         dd 0
ticks:          dd 0
next_frame:     dd 0
frame:          dd 0
keys:           dd 0
sequence:       dd 0
cursor:         dd 0
ring_head:      dd 0
ring_tail:      dd 0
ring:           times 64 db 0
shown:          times BLOCK_ROWS dd 0
text:           times TEXT_MAX + 1 db 0
animate:        db 0
extended:       db 0
skip:           db 0
shift:          db 0
painted:        db 0

%if $ - $$ > (SECTORS + 1) * 512
%error the code outgrew SECTORS
%endif
        times IMAGE_SIZE - ($ - $$) db 0
